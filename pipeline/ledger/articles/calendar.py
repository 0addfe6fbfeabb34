"""What is to come: articles that go live, updates whose embargo ends, and reviews that fall due."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles import IS_TO_REVIEW
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import articles

Kind = Literal["goes-live", "update", "review"]

_SOON = dt.timedelta(minutes=2)  # what is due before waits for PubMed, or for a worker


class Coming(Struct, frozen=True):
    """Something that is to come on a day, or at a moment of it."""

    kind: Kind
    article: str
    title: str
    day: dt.date
    at: dt.datetime | None = None


def coming(transaction: Transaction, now: dt.datetime, *, first: dt.date, last: dt.date, limit: int) -> list[Coming]:
    """Return what comes from the first day to the last (UTC), in order, at most so much of each kind."""
    begin, end = _midnight(first), _midnight(last + dt.timedelta(days=1))
    columns = (articles.c.id, articles.c.title, articles.c.due, articles.c.state)
    waits = (articles.c.due > max(begin, now + _SOON), articles.c.due < end, articles.c.error.is_(None))
    planned = sa.select(*columns).where(*waits).order_by(articles.c.due, articles.c.id).limit(limit)
    found = [
        Coming("goes-live" if state == "scheduled" else "update", id, title, at.date(), at)
        for id, title, at, state in transaction.execute(planned)
    ]
    day = articles.c.next_review
    reviews = sa.select(articles.c.id, articles.c.title, day).where(IS_TO_REVIEW, day >= first, day <= last)
    found += [Coming("review", *row) for row in transaction.execute(reviews.order_by(day, articles.c.id).limit(limit))]
    return sorted(found, key=lambda one: (one.day, one.at is not None, one.at or now, one.article))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
