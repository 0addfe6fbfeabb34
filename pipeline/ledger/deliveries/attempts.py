"""The attempts at each delivery and their results. They are added when a batch is settled (sending.py)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.tables import attempts, deliveries


class Attempt(Struct, frozen=True, kw_only=True):
    revision: int
    at: dt.datetime
    outcome: str  # delivered, transient, permanent, fault, interrupted, repaired
    status: int | None
    milliseconds: int
    detail: str
    answer: str | None


class AttemptAt(Attempt, frozen=True, kw_only=True):
    delivery: str
    article: str


def of(transaction: Transaction, delivery_id: str, *, limit: int) -> list[Attempt]:
    """Return the attempts at a delivery, newest first."""
    columns = (attempts.c[field] for field in Attempt.__struct_fields__)
    query = sa.select(*columns).where(attempts.c.delivery == delivery_id).order_by(attempts.c.id.desc()).limit(limit)
    return [Attempt(**row._mapping) for row in transaction.execute(query)]


def last_of(transaction: Transaction, delivery_ids: Iterable[str]) -> dict[str, Attempt]:
    """Return the newest attempt at each of these deliveries; those that were never attempted are left out."""
    found: dict[str, Attempt] = {}
    columns = [attempts.c[field] for field in Attempt.__struct_fields__]
    for some in chunks(delivery_ids):
        mine = attempts.c.delivery.in_(some)
        newest = sa.select(sa.func.max(attempts.c.id)).where(mine).group_by(attempts.c.delivery)
        query = sa.select(attempts.c.delivery, *columns).where(attempts.c.id.in_(newest))
        for delivery, *row in transaction.execute(query):
            found[delivery] = Attempt(**dict(zip(Attempt.__struct_fields__, row, strict=True)))
    return found


class Tries(Struct, frozen=True):
    """The attempts to deliver one revision that are kept: how many, the first and the last."""

    count: int
    first: Attempt
    last: Attempt


def tries_of(transaction: Transaction, delivery_ids: Iterable[str], *, revision: int) -> dict[str, Tries]:
    """Return the attempts of each of these deliveries at a revision; those without any are left out."""
    found: dict[str, Tries] = {}
    columns = [attempts.c[field] for field in Attempt.__struct_fields__]
    ends = (sa.func.count(), sa.func.min(attempts.c.id), sa.func.max(attempts.c.id))
    for some in chunks(delivery_ids, 200):
        mine = (attempts.c.delivery.in_(some), attempts.c.revision == revision)
        query = sa.select(attempts.c.delivery, *ends).where(*mine).group_by(attempts.c.delivery)
        of_delivery = {delivery: (count, first, last) for delivery, count, first, last in transaction.execute(query)}
        ids = {id for _, *both in of_delivery.values() for id in both}
        rows = transaction.execute(sa.select(attempts.c.id, *columns).where(attempts.c.id.in_(ids))) if ids else ()
        made = {id: Attempt(**dict(zip(Attempt.__struct_fields__, row, strict=True))) for id, *row in rows}
        found |= {
            delivery: Tries(count, made[first], made[last]) for delivery, (count, first, last) in of_delivery.items()
        }
    return found


def oldest_of(transaction: Transaction, *, since: dt.datetime, limit: int) -> dt.datetime | None:
    """Return when the oldest of the site's newest `limit` attempts was made; None if there are fewer since then."""
    at = sa.select(attempts.c.at).where(attempts.c.at >= since)
    return transaction.scalar(at.order_by(attempts.c.at.desc()).offset(limit - 1).limit(1))


def at_channel(transaction: Transaction, channel: str, *, since: dt.datetime, limit: int) -> list[AttemptAt]:
    """Return those of the site's newest `limit` attempts since a moment that were made at a channel, newest first.

    The delivery of each is looked up: to join them, PostgreSQL reads every delivery of the channel.
    """
    mine = (deliveries.c.id == attempts.c.delivery, deliveries.c.channel == channel)
    article = sa.select(deliveries.c.article).where(*mine).limit(1).scalar_subquery().label("article")
    columns = [attempts.c[field] for field in ("id", "delivery", *Attempt.__struct_fields__)]
    all_of_them = sa.select(*columns, article).where(attempts.c.at >= since).order_by(attempts.c.at.desc()).limit(limit)
    newest = all_of_them.subquery()
    shown = (newest.c[field] for field in ("article", "delivery", *Attempt.__struct_fields__))
    query = sa.select(*shown).where(newest.c.article.is_not(None))
    rows = transaction.execute(query.order_by(newest.c.at.desc(), newest.c.id.desc()))
    return [AttemptAt(**row._mapping) for row in rows]


def span(transaction: Transaction) -> tuple[int, int]:
    """Return the ids of the oldest and the newest attempt, or zeros if there is none."""
    first, last = (transaction.scalar(sa.select(end(attempts.c.id))) or 0 for end in (sa.func.min, sa.func.max))
    return first, last


def forget(transaction: Transaction, *, before: dt.datetime, after: int, limit: int) -> tuple[int, int | None]:
    """Of the `limit` attempts with ids above `after`, delete those older than `before`.

    The last attempt at each delivery is kept. Returns how many were deleted and the id after which to continue, or None
    when nothing older is left.
    """
    page = sa.select(attempts.c.id, attempts.c.at).where(attempts.c.id > after).order_by(attempts.c.id).limit(limit)
    old = [row.id for row in transaction.execute(page) if row.at < before]
    if not old:
        return 0, None
    later = attempts.alias()
    superseded = sa.exists().where(later.c.delivery == attempts.c.delivery, later.c.id > attempts.c.id)
    between = (attempts.c.id > after, attempts.c.id <= old[-1], attempts.c.at < before)
    return transaction.execute(sa.delete(attempts).where(*between, superseded)).rowcount, old[-1]
