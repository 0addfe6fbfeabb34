"""What was found when places were read back, and when they are to be read next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.deliveries import Delivery, afresh
from pipeline.ledger.places import REACHABLE
from pipeline.ledger.tables import articles, deliveries, drift, places
from pipeline.ledger.tables.base import by_key

DriftKind = Literal["missing", "older", "unknown", "withdrawn"]


class Drift(Struct, frozen=True):
    """Something at a place that is not as the ledger says. `name`: an article, or a file that is in no delivery."""

    name: str
    kind: DriftKind
    detail: str


class Reading(Struct, frozen=True):
    """A place that is to be read back."""

    key: str
    due: dt.datetime | None  # since when; None: no time has been set
    up_to: str | None  # the last article read; None: the reading has not begun


def next_reading(transaction: Transaction, now: dt.datetime) -> Reading | None:
    """Return the place that has been due longest, or one that has no time yet."""
    row = transaction.execute(_NEXT, {"now": now}).one_or_none()
    return None if row is None else Reading(*row)


_READ = (places.c.state.in_(sorted(REACHABLE - {"emptying"})), places.c.settings.is_not(None))
_NEXT = (
    sa.select(places.c.key, places.c.check_due, places.c.checked_up_to)
    .where(
        *_READ,
        sa.or_(places.c.check_due.is_(None), places.c.check_due <= sa.bindparam("now")),
    )
    .order_by(places.c.check_due, places.c.key)
    .limit(1)
)


def without_time(transaction: Transaction) -> list[str]:
    """Return the places that are to be read back and have no time for it yet."""
    return list(transaction.scalars(_WITHOUT_TIME))


def set_times(transaction: Transaction, times: Mapping[str, dt.datetime]) -> None:
    """Set when places are to be read back next."""
    if times:
        transaction.execute(_SET_TIME, [{"place": key, "first": at} for key, at in times.items()])


_WITHOUT_TIME = sa.select(places.c.key).where(*_READ, places.c.check_due.is_(None)).order_by(places.c.key)
_SET_TIME = sa.update(places).where(places.c.key == sa.bindparam("place")).values(check_due=sa.bindparam("first"))


def reading_of(transaction: Transaction, key: str) -> Reading | None:
    query = sa.select(places.c.key, places.c.check_due, places.c.checked_up_to).where(places.c.key == key)
    row = transaction.execute(query).one_or_none()
    return None if row is None else Reading(*row)


def settled(transaction: Transaction, key: str, after: str, limit: int) -> list[Delivery]:
    """Return deliveries of the place that have ended, whose articles follow, in order: the others are being sent."""
    return _page(transaction, key, after, limit, deliveries.c.state == "delivered")


def shown(transaction: Transaction, key: str, after: str, limit: int) -> list[Delivery]:
    """Return deliveries of the place by which it has an article that is not withdrawn, and whose articles follow."""
    has = sa.and_(deliveries.c.delivered_revision.is_not(None), deliveries.c.delivered_event != "withdrawn")
    return _page(transaction, key, after, limit, has)


def _page(transaction: Transaction, key: str, after: str, limit: int, which: sa.ColumnElement[bool]) -> list[Delivery]:
    columns = by_key(deliveries.c[field] for field in Delivery.__struct_fields__)
    here = (deliveries.c.channel == key, deliveries.c.article > after, which)
    query = sa.select(*columns).where(*here).order_by(deliveries.c.article).limit(limit)
    return [Delivery(**row._mapping) for row in transaction.execute(query)]


def is_as_read(transaction: Transaction, row: Delivery) -> bool:
    """Return whether nothing has changed about a delivery since it was loaded."""
    now = sa.select(deliveries.c.state, deliveries.c.target_revision, deliveries.c.target_digest).where(
        deliveries.c.id == row.id, deliveries.c.channel == row.channel
    )
    return transaction.execute(now).one_or_none() == (row.state, row.target_revision, row.target_digest)


def keep(transaction: Transaction, key: str, found: Sequence[Drift], *, now: dt.datetime) -> None:
    """Record what was found at a place."""
    for one in found:
        values = structs.asdict(one) | {"name": one.name[:256], "found": now}
        upsert = insert(transaction, drift).values(place=key, **values)
        transaction.execute(upsert.on_conflict_do_update(index_elements=[drift.c.place, drift.c.name], set_=values))


def go_on(transaction: Transaction, key: str, *, up_to: str | None, due: dt.datetime) -> None:
    """Record how far a place has been read; `due`: when to go on, or when it was begun."""
    transaction.execute(sa.update(places).where(places.c.key == key).values(checked_up_to=up_to, check_due=due))


def end(transaction: Transaction, key: str, *, begun: dt.datetime, now: dt.datetime, again: dt.datetime) -> None:
    """Record that a place has been read completely, and forget what was found before that."""
    transaction.execute(sa.delete(drift).where(drift.c.place == key, drift.c.found < begun))
    done = {"checked": now, "check_due": again, "checked_up_to": None, "check_error": None}
    transaction.execute(sa.update(places).where(places.c.key == key).values(**done))


def fail(transaction: Transaction, key: str, error: str, *, again: dt.datetime) -> None:
    transaction.execute(sa.update(places).where(places.c.key == key).values(check_error=error, check_due=again))


def names_of(transaction: Transaction, location: str) -> frozenset[str]:
    """Return the remote ids of everything delivered to a location, by whichever channel."""
    keys = sa.select(places.c.key).where(places.c.location == location).scalar_subquery()
    known = sa.exists().where(articles.c.id == deliveries.c.article)  # one that a restored ledger lacks is unknown
    here = (deliveries.c.channel.in_(keys), deliveries.c.remote_id.is_not(None), known)
    return frozenset(transaction.scalars(sa.select(deliveries.c.remote_id).where(*here)))


def make_due(transaction: Transaction, key: str, article_ids: Collection[str], *, now: dt.datetime) -> int:
    """Send again what a place lost, or what was changed there; return how many deliveries."""
    mine = (deliveries.c.channel == key, deliveries.c.article.in_(article_ids), deliveries.c.state == "delivered")
    return transaction.execute(sa.update(deliveries).where(*mine).values(**afresh(now))).rowcount
