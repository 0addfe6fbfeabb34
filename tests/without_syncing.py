"""Nothing that a test process writes is synced to the disk: no test cuts the machine's power, and syncing is slow.

Processes that tests start sync as they do in production.
"""

from __future__ import annotations

import os

import sqlalchemy as sa

from pipeline.ledger import database

set_syncing = database._set_syncing  # for the test of when SQLite syncs


def begin() -> None:
    """Have neither files nor SQLite ledgers of this process synced from now on."""
    os.fsync = _passed_over
    database._set_syncing = _off


def _passed_over(_: object) -> None:
    return


def _off(connection: sa.Connection, _: str) -> None:
    if not connection.info.get("unsynced"):
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        connection.info["unsynced"] = True
