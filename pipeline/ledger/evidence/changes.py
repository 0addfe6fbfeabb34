"""Changes to the editorial status of cited papers, as PubMed reported them. Never deleted."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles.revisions import decode_evidence
from pipeline.ledger.database import Transaction
from pipeline.ledger.evidence import identifiers
from pipeline.ledger.tables import articles, citations, evidence_changes, revisions
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, Reference


class RecordedChange(Struct, frozen=True):
    """The editorial states that a paper gained and lost at one moment; `record` is PubMed's record at that time."""

    id: int
    pmid: str
    at: dt.datetime
    gained: tuple[EditorialState, ...]
    lost: tuple[EditorialState, ...]
    record: Reference
    articles: tuple[str, ...]  # the published articles that cited it


def add(
    transaction: Transaction,
    record: Reference,
    *,
    gained: Sequence[EditorialState],
    lost: Sequence[EditorialState],
    articles: Sequence[str],
    at: dt.datetime,
) -> None:
    row = {
        "pmid": record.pmid,
        "at": at,
        "gained": " ".join(gained),
        "lost": " ".join(lost),
        "record": msgspec.json.encode(record),
        "articles": json.dumps(list(articles)),
    }
    transaction.execute(sa.insert(evidence_changes).values(**row))


def newest(transaction: Transaction, *, limit: int, pmid: str | None = None) -> list[RecordedChange]:
    """Return the changes, of all papers or of one, newest first."""
    query = sa.select(evidence_changes).order_by(evidence_changes.c.id.desc()).limit(limit)
    if pmid is not None:
        query = query.where(evidence_changes.c.pmid == pmid)
    return [_recorded(row) for row in transaction.execute(query)]


def counts(transaction: Transaction) -> dict[tuple[str, str], int]:
    """Count how often each editorial state was gained or lost, by ("gained", "retracted") and so on."""
    columns = (evidence_changes.c.gained, evidence_changes.c.lost)
    counted: Counter[tuple[str, str]] = Counter()
    for gained, lost, number in transaction.execute(sa.select(*columns, sa.func.count()).group_by(*columns)):
        for kind, states in (("gained", gained), ("lost", lost)):
            for state in states.split():
                counted[kind, state] += number
    return dict(counted)


def out_with(transaction: Transaction, pmid: str) -> list[str]:
    """Return the live articles whose published revision cites the paper. A newer one may be under an embargo."""
    query = (
        sa.select(articles.c.id, articles.c.rendered != articles.c.revision)
        .join(citations, citations.c.article == articles.c.id)
        .where(citations.c.pmid == pmid, articles.c.state == "live", articles.c.rendered.is_not(None))
    )
    found = sorted(transaction.execute(query).all())
    return [article for article, newer in found if not newer or shows(transaction, article, pmid)]


def shows(transaction: Transaction, article_id: str, pmid: str) -> bool:
    """Return whether the published revision cites the paper, and not only the next one.

    A DOI that it shows without a record may since have been identified as the paper.
    """
    evidence = _published(transaction, article_id)
    if _names(evidence, CitedWork("pmid", pmid)):
        return True
    if any(cited.reference is not None and cited.reference.pmid == pmid for cited in evidence):
        return True
    bare = [cited.work for cited in evidence if cited.reference is None]
    return any(known.pmid == pmid for known in identifiers.known(transaction, bare).values())


def shows_work(transaction: Transaction, article_id: str, work: CitedWork) -> bool:
    """Return whether the published revision cites the work by this identifier, and not only the next one."""
    return _names(_published(transaction, article_id), work)


def _published(transaction: Transaction, article_id: str) -> tuple[CitedReference, ...]:
    out = (
        sa.select(revisions.c.evidence)
        .join(articles, sa.and_(articles.c.id == revisions.c.article, articles.c.rendered == revisions.c.number))
        .where(articles.c.id == article_id)
    )
    return decode_evidence(transaction.scalar(out))


def _names(evidence: Sequence[CitedReference], work: CitedWork) -> bool:
    return any(one == work for cited in evidence for one in (cited.work, *cited.also))


def _recorded(row: Any) -> RecordedChange:
    return RecordedChange(
        id=row.id,
        pmid=row.pmid,
        at=row.at,
        gained=tuple(row.gained.split()),
        lost=tuple(row.lost.split()),
        record=msgspec.json.decode(row.record, type=Reference),
        articles=tuple(json.loads(row.articles)),
    )
