"""Query what is known of references, and which live articles cite them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.evidence import changes, identifiers
from pipeline.ledger.tables import articles, citations, identifier_citations, references
from pipeline.model.article import CitedWork


class Times(Struct, frozen=True):
    fetched: dt.datetime | None  # PubMed's last answer
    changed: dt.datetime | None  # when it last said something new


def times(transaction: Transaction, pmids: Sequence[str]) -> dict[str, Times]:
    """Return the times of those references that any article ever cited."""
    columns = (references.c.pmid, references.c.fetched, references.c.changed)
    rows = transaction.execute(sa.select(*columns).where(references.c.pmid.in_(pmids)))
    return {row.pmid: Times(row.fetched, row.changed) for row in rows}


def live_articles(transaction: Transaction, pmids: Sequence[str]) -> dict[str, list[str]]:
    """Return which published articles cite each of the papers. Anything under an embargo is left out."""
    query = _citing(citations.c.pmid, citations.c.article).where(citations.c.pmid.in_(pmids))
    return _out(transaction, query, partial(changes.shows, transaction))


def live_articles_citing(transaction: Transaction, works: Sequence[CitedWork]) -> dict[CitedWork, list[str]]:
    """Do as `live_articles` for works that are cited by another identifier than a PMID."""
    by_key = {identifiers.key_of(work): work for work in works}
    cites = identifier_citations.c
    query = _citing(cites.work, cites.article).where(cites.work.in_(list(by_key)))
    found = _out(transaction, query, lambda article, key: changes.shows_work(transaction, article, by_key[key]))
    return {by_key[key]: article_ids for key, article_ids in found.items()}


def _citing(work: sa.Column[str], article: sa.Column[str]) -> sa.Select[str, str, bool, bool]:
    """Select what is cited, the article, whether that has a newer revision, and whether it is out.

    They are chosen and sorted in Python: asked for those that are live, in order, SQLite looks at every live article.
    """
    newer = articles.c.rendered != articles.c.revision
    out = sa.and_(articles.c.state == "live", articles.c.rendered.is_not(None))
    return sa.select(work, article, newer, out).join(articles, articles.c.id == article)


def _out(
    transaction: Transaction, query: sa.Select[str, str, bool, bool], shows: Callable[[str, str], bool]
) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for work, article_id, newer_is_kept, is_out in sorted(transaction.execute(query).all(), key=itemgetter(1)):
        if is_out and (not newer_is_kept or shows(article_id, work)):
            found[work].append(article_id)
    return found


def after(transaction: Transaction, pmid: str, *, limit: int) -> list[str]:
    """Return the PMIDs after this one, in text order, that are cited by articles not withdrawn. Start with ""."""
    query = sa.select(citations.c.pmid).where(citations.c.pmid > pmid).distinct().order_by(citations.c.pmid)
    return list(transaction.scalars(query.limit(limit)))


def unanswered(transaction: Transaction, pmids: Sequence[str], *, since: dt.datetime | None) -> bool:
    """Return whether PubMed has not answered about one of these since a time (None: ever).

    Without PMIDs, every one is meant that an article not withdrawn cites.
    """
    never = references.c.fetched.is_(None)
    waiting = never if since is None else sa.or_(never, references.c.fetched < since)
    query = sa.select(references.c.pmid).where(waiting)
    if not pmids:
        watched = query.where(references.c.pmid.in_(sa.select(citations.c.pmid)))
        return transaction.execute(watched.limit(1)).first() is not None
    return any(
        transaction.execute(query.where(references.c.pmid.in_(some)).limit(1)).first() for some in chunks(sorted(pmids))
    )
