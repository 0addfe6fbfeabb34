"""Whether slow or dead channels delay the others.

    python -m benchmarks.isolation [--articles N] [--rounds N]

Twenty webhook channels of a real `citewire up` have the same number of pending deliveries. One of them answers after 30
seconds, one never does. In turn, the other eighteen are served alone and together with those two. The ratio of the
times until the eighteen have everything must be under 1.2.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from benchmarks import pending
from benchmarks.figures import ratio, table
from benchmarks.processes import end_on_signals, plain_environment, until
from benchmarks.receiving import Receiving, receiving
from benchmarks.system import configured, running
from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger
from pipeline.store import RenditionStore

WELL = [f"well-{number:02}" for number in range(1, 19)]
SLOW = ["slow", "never"]
MOST = 1.2

_CHANNEL = """
[[channels]]
id = "{id}"
type = "webhook"
format = "ninjs"
url = "{url}{id}"
secret = "file:{secret}"
read_timeout = 35
total_timeout = 40
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description="Slow channels beside others.")
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    end_on_signals()
    plain = plain_environment()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        with receiving(folder, plain) as partner:
            environment = _filled(folder, partner, arguments.articles)
            print(_compared(folder, partner, environment, arguments.articles, arguments.rounds))


def _filled(folder: Path, partner: Receiving, count: int) -> Mapping[str, str]:
    environment = configured(folder, pubmed="http://127.0.0.1:9/", partner=partner.url)
    settings = folder / "site.toml"
    channels = ""
    for id in (*WELL, *SLOW):
        secret = folder / f"secret-{id}"
        secret.write_text(new_secret())
        channels += _CHANNEL.format(id=id, url=partner.url, secret=secret)
    settings.write_text(settings.read_text() + channels)
    found = load(environment)
    found.data.mkdir(parents=True)
    ledger = Ledger(found.ledger_url)
    ledger.migrate()
    pending.fill(ledger, RenditionStore.at(found.store_location), count, b"x" * 2_000)
    ledger.close()
    return environment


def _compared(folder: Path, partner: Receiving, environment: Mapping[str, str], count: int, rounds: int) -> str:
    for conduct in ({"path": "/slow", "seconds": 30}, {"path": "/never", "mode": "hang"}):
        requests.post(f"{partner.url}control", json=conduct, timeout=20).raise_for_status()
    alone: list[float] = []
    beside: list[float] = []
    with running(folder, environment) as system:
        ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")
        for _ in range(rounds):
            alone.append(_seconds(ledger, WELL))
            beside.append(_seconds(ledger, [*WELL, *SLOW]))
        ledger.close()
    rows = [(name, f"{statistics.median(one):.1f}") for name, one in (("alone", alone), ("beside the two", beside))]
    print(f"{len(WELL)} channels, {count:,} articles each, {rounds} rounds by turns\n")
    print(table(("the eighteen", "seconds"), rows), end="\n\n")
    found = ratio(beside, alone)
    assert found < MOST, f"the two delay the others: {found:.2f} times as long"
    return f"beside a channel that answers after 30 s and one that never does: {found:.2f} times as long"


def _seconds(ledger: Ledger, channels: Sequence[str]) -> float:
    """Return the seconds until the eighteen have everything."""
    pending.schedule(ledger, *channels)
    started = time.monotonic()
    until(lambda: pending.left(ledger, *WELL) == 0, within=900, what="all deliveries to the eighteen")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
