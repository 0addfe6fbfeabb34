"""The file or source that each article came from, which identifies it when its id or title changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import origins


def article_from(transaction: Transaction, place: str) -> str | None:
    """Return the article that last came from a place."""
    newest = (
        sa.select(origins.c.article).where(origins.c.place == place).order_by(origins.c.at.desc(), origins.c.article)
    )
    return transaction.scalar(newest.limit(1))


def article_with_body(transaction: Transaction, place: str, body: str) -> str | None:
    """Return the article from a place whose text has this digest."""
    same = sa.select(origins.c.article).where(origins.c.place == place, origins.c.body == body)
    return transaction.scalar(same.order_by(origins.c.at.desc(), origins.c.article).limit(1))


def places_of(transaction: Transaction, article_id: str) -> list[str]:
    """Return every place that an article came from."""
    query = sa.select(origins.c.place).where(origins.c.article == article_id).order_by(origins.c.place)
    return list(transaction.scalars(query))


def record(transaction: Transaction, place: str, article_id: str, body: str, *, now: dt.datetime) -> None:
    record_all(transaction, [(place, article_id, body)], now=now)


def record_all(transaction: Transaction, new: Sequence[tuple[str, str, str]], *, now: dt.datetime) -> None:
    """Record (place, article, digest of the text)."""
    rows = [{"place": place, "article": article_id, "body": body, "at": now} for place, article_id, body in new]
    if rows:
        row = insert(transaction, origins)
        again = {"body": row.excluded.body, "at": row.excluded.at}
        key = [origins.c.place, origins.c.article]
        transaction.execute(row.on_conflict_do_update(index_elements=key, set_=again), rows)


def forget(transaction: Transaction, article_id: str, places: list[str]) -> None:
    """Remove an article from the places that it came from, because it now comes from another."""
    gone = sa.and_(origins.c.article == article_id, origins.c.place.in_(places))
    transaction.execute(sa.delete(origins).where(gone))
