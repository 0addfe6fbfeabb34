"""Cited works whose record is no longer in any source. Those that PubMed merged into another are followed instead."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import articles, citations, identifier_citations, identifiers, references

_GONE: sa.ColumnElement[str] = sa.literal_column("'gone'")  # as in the indexes


class Vanished(Struct, frozen=True, kw_only=True):
    work: str  # "pmid:123", "doi:10.1000/x"
    count: int  # of the live articles that cite it
    article: str  # one of them
    since: dt.datetime | None = None  # the first answer without it


def of_live_articles(transaction: Transaction, *, limit: int) -> tuple[Vanished, ...]:
    """Return those that readers see cited, in the order of their identifiers."""
    return (*_by_pmid(transaction, limit), *_by_other_identifiers(transaction, limit))[:limit]


def _by_pmid(transaction: Transaction, limit: int) -> list[Vanished]:
    query = (
        sa.select(references.c.pmid, references.c.denied, sa.func.count(), sa.func.min(citations.c.article))
        .join(citations, citations.c.pmid == references.c.pmid)
        .where(references.c.state == _GONE, references.c.merged_into.is_(None), _is_live(citations.c.article))
        .group_by(references.c.pmid, references.c.denied)
        .order_by(references.c.pmid)
    )
    rows = transaction.execute(query.limit(limit))
    return [Vanished(work=f"pmid:{pmid}", count=count, article=id, since=since) for pmid, since, count, id in rows]


def _by_other_identifiers(transaction: Transaction, limit: int) -> list[Vanished]:
    query = (
        sa.select(identifiers.c.work, sa.func.count(), sa.func.min(identifier_citations.c.article))
        .join(identifier_citations, identifier_citations.c.work == identifiers.c.work)
        .where(identifiers.c.state == _GONE, _is_live(identifier_citations.c.article))
        .group_by(identifiers.c.work)
        .order_by(identifiers.c.work)
    )
    rows = transaction.execute(query.limit(limit))
    return [Vanished(work=work, count=count, article=id) for work, count, id in rows]


def _is_live(article: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Match live articles. Joined instead, SQLite would begin with all of them, however few records are gone."""
    return sa.exists().where(articles.c.id == article, articles.c.state == "live")
