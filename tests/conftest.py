"""Fixtures for all tests: the real data beside the checkout, and a ledger on each of the two databases."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import leaks
import pytest
import shared_statements
import structlog
import without_syncing
from empty_ledger import close_kept, emptied_ledger, empty_ledger
from hypothesis import settings
from judges.presence import missing
from own_postgresql import postgresql_server
from spread import spread

from pipeline.ledger import Ledger

# The processes that tests start compile nothing twice, whatever the environment of the tests says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# They can be interrupted, even if a shell started the tests in the background and so told them to ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Properties hold on a busy machine, too: no example has a time by which it must have ended.
settings.register_profile("citewire", deadline=None)
settings.load_profile("citewire")

# A failure that is logged is shown without every variable of every frame.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
LOG = structlog.get_config()

_THRESHOLDS = 20_000, 10, 10  # objects, and younger collections, before the garbage of each generation is collected

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


@pytest.hookimpl(trylast=True)  # outside the hook of pytest's own that pins warnings on tests
def pytest_configure() -> None:
    leaks.watch()
    shared_statements.share()
    without_syncing.begin()
    gc.disable()  # until all tests are collected, which leaves next to no garbage


@pytest.hookimpl(trylast=True)  # after the hook of pytest's own that brings tests of one fixture together
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the files if several processes run them. One process runs them as they are."""
    if hasattr(config, "workerinput"):
        items[:] = spread(items)


def pytest_collection_finish() -> None:
    """Have the collector pass over the modules and the tests themselves: it would look at them again and again.

    And have it look less often: each module ends with a full collection, and few tests leave much before.
    """
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def as_before_any_command() -> None:
    """Log as the tests do, and collect garbage: a command that ran in this process may have left that otherwise."""
    structlog.configure(**LOG)
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail the module whose tests leave sockets or files to the garbage collector."""
    yield
    found = leaks.left_behind()
    assert not found, "not closed:\n" + "\n".join(found)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real PubMed records, recorded responses and the seed article."""
    if not DATA.is_dir():
        missing("the folder shared/data", "it belongs beside the checkout")
    return DATA


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgresql_server(durable=False) as url:  # no test cuts the machine's power
        yield url
        close_kept()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger, migrated; each test that asks for one runs on both databases."""
    if request.param == "sqlite":
        opened = empty_ledger(tmp_path)
    else:
        opened = emptied_ledger(request.getfixturevalue("postgresql"))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """Where a site has its ledger: the URL of a migrated database without rows, or None for SQLite in its folder."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgresql")
    emptied_ledger(url).close()
    return url
