"""Translate a database's errors for operators: name the file or the server, what is wrong, and what to do.

TransientError   no answer, a failover, a lock or a statement that took too long, a full disk: it may succeed later
ConfigError      for the operator to fix: a schema that is not this program's, a missing login or privilege
None             a bug of ours: the driver's error is raised unchanged
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from pipeline.errors import CitewireError, ConfigError, TransientError

_NEXT_TO_NOTHING = 1_000_000  # bytes
_REFUSED = {
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_READONLY: "cannot be written to",
    sqlite3.SQLITE_PERM: "cannot be opened",
    sqlite3.SQLITE_AUTH: "cannot be opened",
}
_MIGRATE = "run `citewire migrate`, or check database_url"

# SQLSTATEs (PostgreSQL's documentation, appendix A), by code or by class (the first two characters).
_TIME = {
    "08": "cannot be reached",  # connection exceptions, PgBouncer's own included
    "25006": "is read-only: a standby, or a failover in progress",
    "25P03": "closed a connection that was idle in a transaction",
    "40": "rolled back a transaction",
    "53": "is short of memory, disk space or connections",
    "53100": "has a full disk",
    "55": "did not grant a lock in time",
    "57": "is shutting down, starting, or was told to cancel",
    "57014": "cancelled a statement that took too long",
    "58": "has a fault of its own: see its log",
}
_REFUSALS = {
    "28": "refuses the login",
    "3D": "has no such database",
    "42501": "denies a right that is needed",
}
_OTHER_SCHEMA = {
    "3F": "lacks a schema",
    "42P01": "lacks a table of this version",
    "42703": "lacks a column of this version",
}


def failure_of(error: sa.exc.DBAPIError, url: URL) -> CitewireError | None:
    """Return the error to raise instead of the driver's, or None if it is a bug of this program."""
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(error, Path(url.database or ""))
    return _of_postgresql(error, f"the ledger at {url.host or 'localhost'}:{url.port or 5432}")


def connection_is_useless(error: BaseException | None) -> bool:
    """Return whether PostgreSQL's error means that this and other pooled connections may lead to the wrong server.

    A server that is read-only or shutting down is about to be replaced: only a new connection finds the new one.
    """
    state = getattr(error, "sqlstate", None) or ""
    return state in ("25006", "25P03", "57P01", "57P02", "57P03", "57P05") or state[:2] in ("08", "58")


def _of_postgresql(error: sa.exc.DBAPIError, ledger: str) -> CitewireError | None:
    state: str = getattr(error.orig, "sqlstate", None) or ""
    if state == "53100":
        return TransientError(f"{ledger} has a full disk", code="disk-full")
    if what := _meaning_of(_REFUSALS, state):
        hint = "check database_url, and the rights of its user"
        return ConfigError(f"{ledger} {what}", key="database_url", hint=hint, code="ledger-refused")
    if what := _meaning_of(_OTHER_SCHEMA, state):
        return ConfigError(f"{ledger} {what}", key="database_url", hint=_MIGRATE, code="ledger-older")
    if state in ("40001", "40P01"):  # a serialization failure, a deadlock
        return TransientError(f"{ledger} rolled back a transaction for another one", code="ledger-contended")
    if what := _meaning_of(_TIME, state):
        return TransientError(f"{ledger} {what}", code="ledger-unreachable")
    lost = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated
    if state or not lost:
        return None
    hint = "check that the database server runs, and database_url"
    return TransientError(f"{ledger} cannot be reached; {hint}", code="ledger-unreachable")


def _meaning_of(meanings: dict[str, str], state: str) -> str | None:
    return meanings.get(state) or meanings.get(state[:2])


def _of_sqlite(error: sa.exc.DBAPIError, file: Path) -> CitewireError | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF  # in the low byte of extended codes
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        full = disk_full(file.parent, at_most=None if kind == sqlite3.SQLITE_FULL else _NEXT_TO_NOTHING)
        if full is not None:
            return full
    if kind == sqlite3.SQLITE_FULL:  # the free bytes are not known
        return TransientError(f"the disk of {file} is full", code="disk-full", folder=str(file.parent))
    if kind == sqlite3.SQLITE_NOTADB:
        hint = "check database_url, or restore a backup"
        return ConfigError(f"{file} is not a ledger", key="database_url", hint=hint, code="ledger-damaged")
    if kind == sqlite3.SQLITE_CORRUPT:
        return ConfigError(f"{file} is damaged", key="database_url", hint="restore a backup", code="ledger-damaged")
    if not isinstance(error, sa.exc.OperationalError):
        return None
    if kind == sqlite3.SQLITE_ERROR:  # SQL that does not fit the schema, or is invalid
        return _without_table(str(error.orig), file)
    what = _REFUSED.get(kind or 0, "cannot be reached")
    return TransientError(f"the ledger {file} {what}", code="ledger-unreachable")


def _without_table(message_of_sqlite: str, file: Path) -> ConfigError | None:
    if not message_of_sqlite.startswith(("no such table", "no such column")):
        return None
    message = f"the ledger {file} lacks a table or column of this version"
    return ConfigError(message, key="database_url", hint=_MIGRATE, code="ledger-older")


def disk_full(folder: Path, *, at_most: int | None = None) -> TransientError | None:
    """Return an error that names the folder whose disk is full, and the number of bytes left there.

    Return None if more than `at_most` bytes are left, since the cause is then a different one.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    if at_most is not None and free > at_most:
        return None
    message = f"the disk is full: {folder} has {free:,} bytes free"
    return TransientError(message, code="disk-full", folder=str(folder))
