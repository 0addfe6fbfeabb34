"""Deliveries that would never be finished: found by every sweep and made due again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Container

import sqlalchemy as sa

from pipeline.ledger import claims, skipping
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import STRANDED, attempts, deliveries
from pipeline.ledger.tables.base import by_key

_BATCH = 1_000


def stranded(transaction: Transaction, *, now: dt.datetime) -> list[str]:
    """Return the ids of deliveries in a state that the schema's constraints forbid: no worker would pick them up."""
    query = sa.select(deliveries.c.id).where(STRANDED, claims.is_free(deliveries, now))
    return list(transaction.scalars(query.order_by(deliveries.c.id).limit(_BATCH)))


def unfetched(transaction: Transaction, pushed: Container[str]) -> list[str]:
    """Return the ids of deliveries that wait for a partner to fetch them although their channel is now `pushed` to."""
    waiting = skipping.values_of(deliveries.c.channel, deliveries.c.available.is_not(None))
    moved = [channel for channel in transaction.scalars(sa.select(waiting.c.value)) if channel in pushed]
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
