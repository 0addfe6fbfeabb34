"""Check that the ledger can be used: that it can be written to and is being swept."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.clock import SWEEP
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import leases

SWEPT_WITHIN = dt.timedelta(seconds=60)  # a sweep is due every second


def obstacle(transaction: Transaction, *, now: dt.datetime) -> str | None:
    """Return why the ledger cannot be used, starting with a code, or None if it can."""
    on_server = transaction.dialect.name == "postgresql"
    if on_server and transaction.scalar(sa.text("SHOW transaction_read_only")) == "on":
        return "ledger-unreachable: the database is read-only"
    swept: dt.datetime | None = transaction.scalar(sa.select(leases.c.leased_until).where(leases.c.name == SWEEP))
    if swept is not None and now - swept > SWEPT_WITHIN:
        return f"not-swept: no worker has looked for due work for {(now - swept).total_seconds():.0f} seconds"
    return None
