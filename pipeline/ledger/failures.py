"""What a database's own errors mean, in an operator's words: the file or the server, what is wrong, and what to do."""

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


def failure_of(error: sa.exc.DBAPIError, url: URL) -> CitewireError | None:
    """Return what to raise in place of the driver's error; None where it is a fault of the program."""
    if url.get_backend_name() == "sqlite":
        return _of_sqlite(error, Path(url.database or ""))
    if not isinstance(error, sa.exc.OperationalError):
        return None
    server = f"{url.host or 'localhost'}:{url.port or 5432}"
    hint = "check that the database server runs, and database_url"
    return TransientError(f"the ledger at {server} cannot be reached; {hint}", code="ledger-unreachable")


def _of_sqlite(error: sa.exc.DBAPIError, file: Path) -> CitewireError | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    kind = None if code is None else code & 0xFF  # extended codes hold theirs in the low byte
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        full = disk_full(file.parent, at_most=None if kind == sqlite3.SQLITE_FULL else _NEXT_TO_NOTHING)
        if full is not None:
            return full
    if kind == sqlite3.SQLITE_NOTADB:
        hint = "check database_url, or restore a backup"
        return ConfigError(f"{file} is not a ledger", key="database_url", hint=hint, code="ledger-damaged")
    if kind == sqlite3.SQLITE_CORRUPT:
        return ConfigError(f"{file} is damaged", key="database_url", hint="restore a backup", code="ledger-damaged")
    if not isinstance(error, sa.exc.OperationalError):
        return None
    what = _REFUSED.get(kind or 0, "cannot be reached")
    return TransientError(f"the ledger {file} {what}", code="ledger-unreachable")


def disk_full(folder: Path, *, at_most: int | None = None) -> TransientError | None:
    """Return the error that names a folder whose disk is full, and the bytes that are left there.

    None where more than `at_most` bytes are left: then something else was wrong.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    if at_most is not None and free > at_most:
        return None
    message = f"the disk is full: {folder} has {free:,} bytes free"
    return TransientError(message, code="disk-full", folder=str(folder))
