"""The file or source that each article came from, which identifies it when its id or title changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.kept import NewInsert, kept, one_of
from pipeline.ledger.tables import origins

_AT = sa.select(origins.c.article).where(origins.c.place == sa.bindparam("at_place"))
_NEWEST_AT = _AT.order_by(origins.c.at.desc(), origins.c.article).limit(1)
_WITH_BODY = _NEWEST_AT.where(origins.c.body == sa.bindparam("with_body"))
_PLACES = sa.select(origins.c.place).where(origins.c.article == sa.bindparam("of_article")).order_by(origins.c.place)
_FORGET = sa.delete(origins).where(origins.c.article == sa.bindparam("of_article"), one_of(origins.c.place, "these"))


@kept
def _record(new: NewInsert) -> sa.Insert:
    row = new(origins)
    again = {"body": row.excluded.body, "at": row.excluded.at}
    return row.on_conflict_do_update(index_elements=[origins.c.place, origins.c.article], set_=again)


def article_from(transaction: Transaction, place: str) -> str | None:
    """Return the article that last came from a place."""
    return transaction.scalar(_NEWEST_AT, {"at_place": place})


def article_with_body(transaction: Transaction, place: str, body: str) -> str | None:
    """Return the article from a place whose text has this digest."""
    return transaction.scalar(_WITH_BODY, {"at_place": place, "with_body": body})


def places_of(transaction: Transaction, article_id: str) -> list[str]:
    """Return every place that an article came from."""
    return list(transaction.scalars(_PLACES, {"of_article": article_id}))


def record(transaction: Transaction, place: str, article_id: str, body: str, *, now: dt.datetime) -> None:
    record_all(transaction, [(place, article_id, body)], now=now)


def record_all(transaction: Transaction, new: Sequence[tuple[str, str, str]], *, now: dt.datetime) -> None:
    """Record (place, article, digest of the text)."""
    rows = [{"place": place, "article": article_id, "body": body, "at": now} for place, article_id, body in new]
    if rows:
        transaction.execute(_record(transaction), rows)


def forget(transaction: Transaction, article_id: str, places: list[str]) -> None:
    """Remove an article from the places that it came from, because it now comes from another."""
    if places:
        transaction.execute(_FORGET, {"of_article": article_id, "these": places})
