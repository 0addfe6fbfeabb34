"""Deliveries that would never be finished: found by every sweep and made due again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection

import sqlalchemy as sa

from pipeline.ledger import claims, skipping
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import STRANDED, attempts, deliveries
from pipeline.ledger.tables.base import by_key

_BATCH = 1_000


# Kept, because every sweep asks both.
_STRANDED = (
    sa.select(deliveries.c.id).where(STRANDED, claims.is_free_then(deliveries)).order_by(deliveries.c.id).limit(_BATCH)
)
_FETCHED = sa.select(skipping.values_of(deliveries.c.channel, deliveries.c.available.is_not(None)).c.value)


def stranded(transaction: Transaction, *, now: dt.datetime) -> list[str]:
    """Return the ids of deliveries in a state that the schema's constraints forbid: no worker would pick them up."""
    return list(transaction.scalars(_STRANDED, claims.at(now)))


def unfetched(transaction: Transaction, is_pushed: Callable[[str], bool]) -> list[str]:
    """Return the ids of deliveries that wait for a partner to fetch them although their channel is now pushed to."""
    moved = [channel for channel in transaction.scalars(_FETCHED) if channel is not None and is_pushed(channel)]
    if not moved:
        return []
    query = sa.select(deliveries.c.id).where(deliveries.c.channel.in_(moved), deliveries.c.available.is_not(None))
    return list(transaction.scalars(query.order_by(deliveries.c.id).limit(_BATCH)))


def repair(transaction: Transaction, ids: Collection[str], *, why: str, now: dt.datetime) -> int:
    """Make these due now, add that to their histories, and return how many there were."""
    mine = (deliveries.c.id.in_(ids), claims.is_free(deliveries, now))
    columns = by_key((deliveries.c.id, deliveries.c.target_revision))
    locked = sa.select(*columns).where(*mine).order_by(deliveries.c.id).with_for_update()
    found = transaction.execute(locked).all()
    if not found:
        return 0
    due = {"state": "pending", "due": now, "available": None, "changed": now}
    transaction.execute(sa.update(deliveries).where(deliveries.c.id.in_([row.id for row in found])).values(**due))
    facts = {"at": now, "outcome": "repaired", "milliseconds": 0, "detail": why}
    rows = [{"delivery": row.id, "revision": row.target_revision} | facts for row in found]
    transaction.execute(sa.insert(attempts), rows)
    return len(found)


def count(transaction: Transaction) -> int:
    """Count the deliveries in a forbidden state."""
    return transaction.scalar(sa.select(sa.func.count()).select_from(deliveries).where(STRANDED)) or 0
