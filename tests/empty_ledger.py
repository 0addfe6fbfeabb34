"""An empty ledger for a test. The schema is migrated once in each process, not for each test."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import sqlalchemy as sa

from pipeline.ledger import Ledger
from pipeline.ledger.tables import metadata

_DELETE = ";".join(str(sa.delete(table)) for table in reversed(metadata.sorted_tables))
_MIGRATED: set[str] = set()  # the URLs of databases that have the schema


def empty_ledger(folder: Path) -> Ledger:
    """Return a ledger on SQLite in the folder, which is made: it may be the data folder of a site."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ledger.sqlite"
    path.write_bytes(_migrated())
    return Ledger(f"sqlite:///{path}")


def emptied_ledger(url: str) -> Ledger:
    """Return the ledger in a PostgreSQL database that tests share, without its rows.

    For tables as small as those of tests DELETE is far quicker than TRUNCATE, which replaces every table's file. All
    are sent at once, past SQLAlchemy: each by itself takes the server and this process much longer.
    """
    ledger = Ledger(url)
    if url not in _MIGRATED:
        ledger.migrate()
        _MIGRATED.add(url)
    with ledger.write() as transaction:
        connection = transaction.connection.driver_connection
        assert connection is not None
        connection.execute(_DELETE)
    return ledger


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.sqlite")
        ledger = Ledger(f"sqlite:///{path}")
        ledger.migrate()
        ledger.close()
        return path.read_bytes()
