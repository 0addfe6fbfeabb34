"""A restored ledger may lack withdrawals that were accepted after its backup, so everything is held at first."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import restorations


def begin(transaction: Transaction, *, backup: dt.datetime, now: dt.datetime) -> None:
    """Record that the ledger was restored from a backup made at `backup`. From now on everything is held."""
    transaction.execute(sa.insert(restorations).values(at=now, backup=backup))


def pending(transaction: Transaction) -> dt.datetime | None:
    """Return when the backup was made of which everything is held, or None if nothing is."""
    query = sa.select(restorations.c.backup).where(restorations.c.ended.is_(None)).order_by(restorations.c.id.desc())
    made: dt.datetime | None = transaction.scalar(query.limit(1))
    return made


def end(transaction: Transaction, *, now: dt.datetime) -> bool:
    """Let everything go on; return whether it was held."""
    open_ones = restorations.c.ended.is_(None)
    return transaction.execute(sa.update(restorations).where(open_ones).values(ended=now)).rowcount > 0
