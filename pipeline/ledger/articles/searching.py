"""Articles as people look for them: by an identifier, by words, by what is the matter with them; the newest first.

No page costs more than a bounded part of the ledger. Identifiers lead to articles through indexes; words and other
filters are compared with `WINDOW` articles at most, and the answer says where to go on.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles import names
from pipeline.ledger.database import Instant, Transaction, moment_of
from pipeline.ledger.deliveries import IS_ABANDONED
from pipeline.ledger.tables import articles, citations, deliveries, events, identifier_citations, references

WINDOW = 5_000  # articles that a page compares with the filters
ANY_MARK = "any"  # of the editorial states
_PORTION = 250  # articles read at first, and four times as many each time that follows, up to WINDOW in all
_MOST = 1_000  # articles that an identifier leads to
_MOST_WORDS = 10
_ORDER = (articles.c.updated.desc(), articles.c.id.desc())

_PMID = re.compile(r"(?i)(?:pmid:?\s*)?(\d{1,9})")
_DOI = re.compile(r"(?i)(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)")
_PMCID = re.compile(r"(?i)(?:pmcid:?\s*)?(PMC\d+)")


class Wanted(Struct, frozen=True):
    """What to look for; None: anything."""

    words: str | None = None  # an identifier of a paper, delivery or event; or words of the title or id
    state: str | None = None
    channel: str | None = None  # there is a delivery to this channel
    evidence: str | None = None  # an editorial state of a cited paper
    trouble: bool = False  # a delivery was abandoned


class Cursor(Struct, frozen=True):
    """The article after which to go on."""

    updated: dt.datetime
    id: str


class Found(Struct, frozen=True):
    """`next` is None if there is nothing more. With it, a page may be short, or empty: the rest was not looked at."""

    ids: Sequence[str]
    next: Cursor | None


def search(transaction: Transaction, wanted: Wanted, *, after: Cursor | None, limit: int) -> Found:
    """Return a page of articles, by their last change, the newest first."""
    filters = [*_filters(wanted)]
    known = _identified(transaction, wanted.words or "")
    if known is not None:
        filters.append(articles.c.id.in_(known))
    elif wanted.words:
        filters.append(_has_words(transaction, wanted.words))
    matches = sa.and_(sa.true(), *filters)
    found: list[Cursor] = []
    looked_at, portion = 0, _PORTION if filters and known is None else limit + 1
    while looked_at < WINDOW and len(found) <= limit:
        portion = min(portion, WINDOW - looked_at)
        rows = _portion(transaction, wanted, matches, known, after=after, limit=portion)
        found += [Cursor(moment_of(updated), id) for id, updated, matching in rows if matching]
        looked_at += len(rows)
        if len(rows) < portion:
            return _page(found, limit)
        after = Cursor(moment_of(rows[-1][1]), rows[-1][0])
        portion *= 4
    return _page(found, limit) if len(found) > limit else Found([one.id for one in found], after)


def every(transaction: Transaction, wanted: Wanted) -> list[tuple[str, int]]:
    """Return all articles that match, the newest first, each with its newest revision."""
    filters = [*_filters(wanted)]
    named = _identifying(wanted.words or "")
    if named is not None:
        filters.append(articles.c.id.in_(named))
    elif wanted.words:
        filters.append(_has_words(transaction, wanted.words))
    if wanted.state is not None:
        filters.append(articles.c.state == wanted.state)
    query = sa.select(articles.c.id, articles.c.revision).where(*filters)
    return [(id, number) for id, number in transaction.execute(query.order_by(*_ORDER))]


def _page(found: Sequence[Cursor], limit: int) -> Found:
    return Found([one.id for one in found[:limit]], found[limit - 1] if len(found) > limit else None)


def _portion(
    transaction: Transaction,
    wanted: Wanted,
    matches: sa.ColumnElement[bool],
    known: Sequence[str] | None,
    *,
    after: Cursor | None,
    limit: int,
) -> list[tuple[str, int, bool]]:
    """Return the next articles in order, each with whether it matches; of `known` ones only those that match.

    When each was updated is in microseconds since 1970: most are no more than looked at.
    """
    query = sa.select(articles.c.id, sa.type_coerce(articles.c.updated, sa.BigInteger()), matches)
    if known is not None:
        query = query.where(matches)
    if wanted.state is not None:
        query = query.where(articles.c.state == wanted.state)
    if after is not None:
        query = query.where(sa.tuple_(articles.c.updated, articles.c.id) < sa.tuple_(*_values(after)))
    newest = query.order_by(*_ORDER).limit(limit)
    return [tuple(row) for row in transaction.execute(newest)]


def _values(cursor: Cursor) -> tuple[sa.ColumnElement[dt.datetime], sa.ColumnElement[str]]:
    return sa.literal(cursor.updated, Instant()), sa.literal(cursor.id)


def _filters(wanted: Wanted) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.channel is not None:
        yield has_delivery(deliveries.c.channel == wanted.channel)
    if wanted.trouble:
        yield has_delivery(IS_ABANDONED)
    if wanted.evidence is not None:
        marked = (references.c.state == "resolved", references.c.editorial > "")
        states = sa.literal(" ") + references.c.editorial + " "
        cite = sa.select(citations.c.article).join(references, references.c.pmid == citations.c.pmid).where(*marked)
        if wanted.evidence != ANY_MARK:
            cite = cite.where(states.contains(f" {wanted.evidence} ", autoescape=True))
        yield articles.c.id.in_(cite)


def has_delivery(*which: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Match articles with such a delivery, looked up for each: for an EXISTS PostgreSQL may read all deliveries."""
    mine = sa.select(deliveries.c.id).where(deliveries.c.article == articles.c.id, *which)
    return mine.limit(1).scalar_subquery().is_not(None)


def _has_words(transaction: Transaction, words: str) -> sa.ColumnElement[bool]:
    """Match articles with every one of the words in the title or id, and the article of that name."""
    each = [
        articles.c.title.icontains(word, autoescape=True) | articles.c.id.icontains(word, autoescape=True)
        for word in words.split()[:_MOST_WORDS]
    ]
    return sa.or_(sa.and_(*each), articles.c.id == names.article_named(transaction, words))


def _identified(transaction: Transaction, words: str) -> list[str] | None:
    """Return the articles to which an identifier leads, or None if the words are no identifier."""
    query = _identifying(words)
    return None if query is None else list(transaction.scalars(query.limit(_MOST)))


def _identifying(words: str) -> sa.Select[tuple[str]] | sa.CompoundSelect[tuple[str]] | None:
    """Select the articles to which an identifier leads; None if the words are no identifier."""
    query: sa.Select[tuple[str]] | sa.CompoundSelect[tuple[str]]
    if pmid := _PMID.fullmatch(words):
        query = _citing(references.c.pmid == pmid[1])
    elif doi := _DOI.fullmatch(words):
        name = doi[1].lower()
        query = sa.union(_citing(references.c.doi == name), _naming(f"doi:{name}"))
    elif pmcid := _PMCID.fullmatch(words):
        query = _naming(f"pmcid:{pmcid[1].upper()}")
    elif words.startswith("dlv_"):
        query = sa.select(deliveries.c.article).where(deliveries.c.id == words)
    elif words.startswith("evt_"):
        query = sa.select(events.c.article).where(events.c.id == words)
    else:
        return None
    return query


def _citing(paper: sa.ColumnElement[bool]) -> sa.Select[tuple[str]]:
    return sa.select(citations.c.article).join(references, references.c.pmid == citations.c.pmid).where(paper)


def _naming(work: str) -> sa.Select[tuple[str]]:
    return sa.select(identifier_citations.c.article).where(identifier_citations.c.work == work)
