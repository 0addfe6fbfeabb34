"""Copy a ledger out of a running system, and back in. A copy is a SQLite file, whatever the ledger is kept in.

SQLite is copied with its online backup, PostgreSQL through one REPEATABLE READ transaction: both see one moment.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pipeline.errors import ConfigError
from pipeline.ledger import migrations, operations
from pipeline.ledger.database import Ledger, Transaction
from pipeline.ledger.tables import articles, contents, metadata
from pipeline.ledger.tables.base import by_key
from pipeline.model.rendition import digest_of

_ROWS = 500
# Running processes, people who are signed in or about to, invitations (which may have been accepted or withdrawn
# since), what was being done to many articles, and uploads that were not published: a restored system waits for its
# operator.
_NOT_RESTORED = frozenset(
    {
        "clock",
        "processes",
        "sessions",
        "passkey_challenges",
        "invitations",
        "bulk_actions",
        "bulk_articles",
        "uploads",
        "uploaded_files",
    }
)


def copy_out(ledger: Ledger, file: Path) -> None:
    """Write a copy of the ledger as it is at one moment. Writers are not kept waiting."""
    if ledger.url.get_backend_name() == "sqlite":
        _online_backup(Path(str(ledger.url.database)), file)
    else:
        with _at(file) as copy, ledger.snapshot() as source:
            copy.migrate()
            _copy_rows(source, copy)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file


def check_copy(file: Path) -> int:
    """Return how many articles the copy has. Raises ConfigError `invalid-backup` if it is damaged or no ledger."""
    try:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            _check_schema(connection, file)
            if (found := connection.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise damaged(file, str(found))
            for digest, body in connection.execute(f"SELECT digest, article FROM {contents.name}"):  # noqa: S608
                if not isinstance(body, bytes) or digest_of(body) != digest:
                    raise damaged(file, "an article's content does not have its digest")
            return int(connection.execute(f"SELECT count(*) FROM {articles.name}").fetchone()[0])  # noqa: S608
    except sqlite3.Error as error:
        raise damaged(file, str(error)) from error


def bring_in(file: Path, ledger: Ledger) -> None:
    """Copy the rows of a checked copy into a ledger that is migrated and empty, in one transaction."""
    with _at(file) as copy:
        copy.migrate()
        with copy.read() as source:
            _copy_rows(source, ledger)


def close_log(file: Path) -> None:
    """Move what is in the write-ahead log of a SQLite ledger that is not in use into its file."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def rendition_digests(file: Path) -> list[str]:
    """Return the digests of the renditions that a copy names."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return [digest for (digest,) in connection.execute("SELECT DISTINCT digest FROM renditions ORDER BY digest")]


def is_empty(transaction: Transaction) -> bool:
    """Return whether the ledger has no articles."""
    return transaction.execute(sa.select(articles.c.id).limit(1)).first() is None


def damaged(file: Path, why: str) -> ConfigError:
    hint = "use another backup"
    return ConfigError(f"is not a usable backup: {why}", file=str(file), hint=hint, code="invalid-backup")


def _check_schema(connection: sqlite3.Connection, file: Path) -> None:
    kinds = {kind for (kind,) in connection.execute("SELECT DISTINCT type FROM sqlite_master")}
    if kinds - {"table", "index"}:
        raise damaged(file, "it contains more than tables")
    (current,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    if not str(current).isdigit() or str(current) > migrations.HEAD:
        message = f"its schema is {str(current)[:20]!r}, and this program's is {migrations.HEAD}"
        raise ConfigError(message, file=str(file), hint="run the newer program", code="ledger-too-new")


def _online_backup(source: Path, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(file)) as copy:
        live.execute("PRAGMA busy_timeout = 30000")
        live.backup(copy)  # in one step, which reads one state of the WAL and keeps no writer waiting


def opened(file: Path) -> Ledger:
    """Return a copy as a ledger."""
    return Ledger(make_url("sqlite://").set(database=str(file)).render_as_string())


@contextlib.contextmanager
def _at(file: Path) -> Iterator[Ledger]:
    ledger = opened(file)
    try:
        yield ledger
    finally:
        ledger.close()


def _copy_rows(source: Transaction, target: Ledger) -> None:
    with target.write() as transaction:
        for table in reversed(metadata.sorted_tables):  # migrations put rows into a few
            transaction.execute(sa.delete(table))
        for table in metadata.sorted_tables:
            if table.name in _NOT_RESTORED:
                continue
            rows = source.execution_options(yield_per=_ROWS).execute(sa.select(*by_key(table.c)))
            for some in rows.mappings().partitions():
                transaction.execute(sa.insert(table), [dict(row) for row in some])
            _continue_numbers(transaction, table)
        operations.interrupt_all(transaction)


def _continue_numbers(transaction: Transaction, table: sa.Table) -> None:
    """PostgreSQL: have the next row that gets its number by itself follow the copied ones."""
    column = table.autoincrement_column
    if transaction.dialect.name != "postgresql" or column is None:
        return
    last = sa.select(sa.func.max(column)).scalar_subquery()
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    numbered = transaction.scalar(sa.select(sequence))
    if numbered is not None and transaction.scalar(sa.select(last)) is not None:
        transaction.execute(sa.select(sa.func.setval(sequence, last)))
