"""Query what is known of references, and which live articles cite them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.evidence import changes
from pipeline.ledger.tables import articles, citations, references


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
    newer = articles.c.rendered != articles.c.revision
    out = sa.and_(articles.c.state == "live", articles.c.rendered.is_not(None))
    query = (
        sa.select(citations.c.pmid, citations.c.article, newer, out)
        .join(articles, articles.c.id == citations.c.article)
        .where(citations.c.pmid.in_(pmids))
    )  # chosen and sorted here: asked for those that are live, in order, SQLite looks at every live article
    found: defaultdict[str, list[str]] = defaultdict(list)
    rows = sorted(transaction.execute(query).all(), key=lambda row: row.article)
    for pmid, article_id, newer_is_kept, is_out in rows:
        if is_out and (not newer_is_kept or changes.shows(transaction, article_id, pmid)):
            found[pmid].append(article_id)
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
