"""The public state of an article: its published revision, or the withdrawal of the last one.

An article that was never published is unknown. One that was withdrawn and is scheduled to return is still withdrawn,
whatever happens to the return: the withdrawal that counts is the first one after the last published revision.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import articles, revisions


class Public(Struct, frozen=True):
    state: Literal["live", "withdrawn"]
    revision: int


def find(transaction: Transaction, article_id: str) -> Public | None:
    """Return the article's public state, or None if the public may not know of it."""
    row = transaction.execute(_PUBLIC, {"article_id": article_id}).one_or_none()
    return None if row is None or row[1] is None else Public(*row)


class Listed(Struct, frozen=True):
    article: str
    state: Literal["live", "withdrawn"]
    revision: int
    at: dt.datetime  # when it was updated or withdrawn


def page(transaction: Transaction, after: str, *, limit: int) -> list[Listed]:
    """Return the public articles whose ids follow, by id."""
    shown = revisions.alias("shown")
    query = (
        sa.select(articles.c.id, state(), shown.c.number, shown.c.updated)
        .select_from(articles)
        .join(shown, sa.and_(shown.c.article == articles.c.id, shown.c.number == number()))
        .where(articles.c.id > after)
        .order_by(articles.c.id)
        .limit(limit)
    )
    return [Listed(*row) for row in transaction.execute(query)]


def state() -> sa.ColumnElement[Any]:
    """Return the public state of a row of `articles`, as a column."""
    return sa.case((articles.c.rendered.is_(None), "withdrawn"), else_=articles.c.state)


def number() -> sa.ColumnElement[Any]:
    """Return the number of the public revision of a row of `articles`, as a column; null if there is none."""
    out, withdrawal = revisions.alias(), revisions.alias()
    last_out = sa.select(sa.func.max(out.c.number)).where(
        out.c.article == articles.c.id, out.c.event != "withdrawn", out.c.evidence.is_not(None)
    )
    after = sa.select(sa.func.min(withdrawal.c.number)).where(
        withdrawal.c.article == articles.c.id,
        withdrawal.c.event == "withdrawn",
        withdrawal.c.number > last_out.correlate(articles).scalar_subquery(),
    )
    return sa.func.coalesce(articles.c.rendered, after.correlate(articles).scalar_subquery())


_PUBLIC = sa.select(state(), number()).where(articles.c.id == sa.bindparam("article_id"))
