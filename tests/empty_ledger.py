"""An empty ledger for a test. The schema is migrated once in each process, not for each test."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import sqlalchemy as sa

from pipeline.ledger import Ledger
from pipeline.ledger.tables import metadata

_DELETES = [str(sa.delete(table)) for table in reversed(metadata.sorted_tables)]  # what names others' rows first
_WITH_ROWS = "SELECT array_remove(ARRAY[{}], NULL)".format(
    ", ".join(f"CASE WHEN EXISTS ({one.replace('DELETE', 'SELECT')}) THEN {n} END" for n, one in enumerate(_DELETES))
)
_MOST = 2  # connections that a test may leave to the next: a test of many threads would leave dozens
_KEPT: dict[str, Ledger] = {}  # the last database that had the schema, by its URL, with open connections


class Lent(Ledger):
    """A ledger whose connections the next test uses: a new one costs the server more than most tests' statements do.

    What a test listens for on its engine is gone with it.
    """

    def __init__(self, kept: Ledger) -> None:
        self.url = kept.url
        self._engine = kept._engine.execution_options()

    def close(self) -> None:
        pool = self._engine.pool
        assert isinstance(pool, sa.QueuePool)
        if pool.checkedout() or pool.checkedin() > _MOST:
            super().close()


def empty_ledger(folder: Path) -> Ledger:
    """Return a ledger on SQLite in the folder, which is made: it may be the data folder of a site."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ledger.sqlite"
    path.write_bytes(_migrated())
    return Ledger(f"sqlite:///{path}")


def emptied_ledger(url: str) -> Ledger:
    """Return the ledger in a PostgreSQL database that tests share, without its rows.

    For tables as small as those of tests DELETE is far quicker than TRUNCATE, which replaces every table's file. Which
    tables have rows is asked in one statement that the server keeps: planning a DELETE for each takes it much longer.
    """
    if url not in _KEPT:
        close_kept()
        _KEPT[url] = Ledger(url)
        _KEPT[url].migrate()
    ledger = Lent(_KEPT[url])
    with ledger.write() as transaction:
        connection = transaction.connection.driver_connection
        assert connection is not None
        (with_rows,) = connection.execute(_WITH_ROWS, prepare=True).fetchone()
        if with_rows:
            connection.execute(";".join(_DELETES[n] for n in with_rows))
    return ledger


def close_kept() -> None:
    """Close the connections that tests have left to the next."""
    for ledger in _KEPT.values():
        ledger.close()
    _KEPT.clear()


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.sqlite")
        ledger = Ledger(f"sqlite:///{path}")
        ledger.migrate()
        ledger.close()
        return path.read_bytes()
