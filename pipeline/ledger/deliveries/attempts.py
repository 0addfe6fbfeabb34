"""Every try at a delivery, and what came of it. They are added where a batch is settled (sending.py)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import attempts


class Attempt(Struct, frozen=True, kw_only=True):
    revision: int
    at: dt.datetime
    outcome: str  # delivered, transient, permanent, fault
    status: int | None
    milliseconds: int
    detail: str
    answer: str | None


def of(transaction: Transaction, delivery_id: str, *, limit: int) -> list[Attempt]:
    """A delivery's, the newest first."""
    columns = (attempts.c[field] for field in Attempt.__struct_fields__)
    query = sa.select(*columns).where(attempts.c.delivery == delivery_id).order_by(attempts.c.id.desc()).limit(limit)
    return [Attempt(**row._mapping) for row in transaction.execute(query)]


def forget(transaction: Transaction, *, before: dt.datetime, after: int, limit: int) -> tuple[int, int | None]:
    """Of the `limit` attempts that follow the id `after`, remove those that are older than `before`.

    The last one of each delivery stays. How many went, and the id to go on after; None: there is nothing older.
    """
    page = sa.select(attempts.c.id, attempts.c.at).where(attempts.c.id > after).order_by(attempts.c.id).limit(limit)
    old = [row.id for row in transaction.execute(page) if row.at < before]
    if not old:
        return 0, None
    later = attempts.alias()
    superseded = sa.exists().where(later.c.delivery == attempts.c.delivery, later.c.id > attempts.c.id)
    between = (attempts.c.id > after, attempts.c.id <= old[-1], attempts.c.at < before)
    return transaction.execute(sa.delete(attempts).where(*between, superseded)).rowcount, old[-1]
