"""Which sources to ask about which papers: a row for each source and cited paper, with its last answer.

A row is due when its source is to be asked. A paper that no article cites any longer is not asked about again.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims
from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.kept import add_missing, one_of
from pipeline.ledger.tables import citations, evidence_sources, identifier_citations, identifiers, source_checks
from pipeline.model.reference import SourceVerdict

_DONE = {"lease": None, "leased_until": None}

_BY_PAPER = sa.select(evidence_sources.c.name).where(evidence_sources.c.by_paper)
_ADD = add_missing(source_checks)
_IS_IDLE = sa.and_(one_of(source_checks.c.key, "these"), source_checks.c.due.is_(None))
_WAKE = sa.update(source_checks).where(_IS_IDLE).values(due=sa.bindparam("due_at"))


def ensure(transaction: Transaction, works: Iterable[str], *, now: dt.datetime) -> None:
    """Have every source that is asked about single papers asked about these ("pmid:1"), unless it is already."""
    to_check = sorted(set(works))
    if not to_check:
        return
    for name in list(transaction.scalars(_BY_PAPER)):
        _ensure(transaction, name, to_check, now)


def ensure_cited(transaction: Transaction, source: str, after: str, *, now: dt.datetime, limit: int) -> str | None:
    """Have a source asked about the next works that are cited, in text order; return the last, or None at the end."""
    pmids = sa.select(sa.literal("pmid:").concat(citations.c.pmid).label("work"))
    by_pmid = sa.select(identifiers.c.work).where(identifiers.c.pmid.is_not(None))  # watched by that
    dois = sa.select(identifier_citations.c.work).where(
        identifier_citations.c.work.startswith("doi:"), identifier_citations.c.work.not_in(by_pmid)
    )
    cited = sa.union(pmids, dois).subquery()
    found = sa.select(cited.c.work).where(cited.c.work > after).order_by(cited.c.work).limit(limit)
    works = list(transaction.scalars(found))
    _ensure(transaction, source, works, now)
    return works[-1] if works else None


def _ensure(transaction: Transaction, source: str, works: Sequence[str], now: dt.datetime) -> None:
    keys = {f"{source} {work}": work for work in works}
    rows = [{"key": key, "source": source, "work": work, "due": now, "attempts": 0} for key, work in keys.items()]
    if rows:
        transaction.execute(_ADD(transaction), rows)
    for some in chunks(sorted(keys)):
        transaction.execute(_WAKE, {"these": some, "due_at": now})


def cited_by_doi(transaction: Transaction, after: str, *, limit: int) -> list[str]:
    """Return the works after this one, in text order, that are cited by DOI. Start with ""."""
    by_doi = identifier_citations.c.work.startswith("doi:")
    found = sa.select(identifier_citations.c.work).where(by_doi, identifier_citations.c.work > after).distinct()
    return list(transaction.scalars(found.order_by(identifier_citations.c.work).limit(limit)))


def named(transaction: Transaction, works: Collection[str], *, now: dt.datetime, source: str | None = None) -> None:
    """Have sources that could not be asked about these yet asked now: PubMed has just given their DOIs.

    `source`: only this one.
    """
    whose = sa.true() if source is None else source_checks.c.source == source
    for some in chunks(sorted(works)):
        waiting = (source_checks.c.work.in_(some), source_checks.c.asked.is_(None), source_checks.c.due > now, whose)
        transaction.execute(sa.update(source_checks).where(*waiting).values(due=now))


def request(transaction: Transaction, works: Collection[str], *, due: dt.datetime) -> None:
    """Have every source asked about these again."""
    for some in chunks(sorted(works)):
        transaction.execute(sa.update(source_checks).where(source_checks.c.work.in_(some)).values(due=due))


def any_due(transaction: Transaction, source: str, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, source_checks, now, _is_of(source))


@functools.cache
def _is_of(source: str) -> sa.ColumnElement[bool]:
    return source_checks.c.source == source


_DUE = Claims(source_checks.c.key, source_checks.c.source == sa.bindparam("of_source"))


def claim(
    transaction: Transaction, source: str, *, token: str, now: dt.datetime, seconds: float, limit: int
) -> list[str]:
    """Lease works that are due and still cited, longest due first; those that are not cited are left alone from now."""
    claimed: list[str] = []
    while len(claimed) < limit:
        left, asked = limit - len(claimed), {"of_source": source}
        keys = _DUE.claim(transaction, token=token, now=now, seconds=seconds, limit=left, asked=asked)
        if not keys:
            break
        works = [key.partition(" ")[2] for key in keys]
        cited = _cited(transaction, works)
        _leave_alone(transaction, source, [work for work in works if work not in cited])
        claimed += [work for work in works if work in cited]
    return claimed


def _cited(transaction: Transaction, works: Sequence[str]) -> set[str]:
    """Return those works that an article cites. A DOI whose PMID is known is watched by its PMID."""
    pmids = [work.removeprefix("pmid:") for work in works if work.startswith("pmid:")]
    found = {
        f"pmid:{pmid}" for pmid in transaction.scalars(sa.select(citations.c.pmid).where(citations.c.pmid.in_(pmids)))
    }
    others = [work for work in works if not work.startswith("pmid:")]
    by_doi = (
        sa.select(identifier_citations.c.work)
        .join(identifiers, identifiers.c.work == identifier_citations.c.work)
        .where(identifier_citations.c.work.in_(others), identifiers.c.pmid.is_(None))
    )
    return found | set(transaction.scalars(by_doi))


def _leave_alone(transaction: Transaction, source: str, works: Sequence[str]) -> None:
    keys = [f"{source} {work}" for work in works]
    for some in chunks(keys):
        transaction.execute(sa.update(source_checks).where(source_checks.c.key.in_(some)).values(due=None, **_DONE))


def store(
    transaction: Transaction,
    source: str,
    answers: Mapping[str, Sequence[SourceVerdict]],
    *,
    now: dt.datetime,
    due: dt.datetime | None,
) -> None:
    """Store what a source said of each work, in place of what it said before."""
    if not answers:
        return
    rows = [
        {"k": f"{source} {work}", "encoded": msgspec.json.encode(tuple(verdicts))}
        for work, verdicts in sorted(answers.items())
    ]
    values: dict[str, Any] = {
        **_DONE,
        "asked": now,
        "due": due,
        "attempts": 0,
        "error": None,
        "verdicts": sa.bindparam("encoded"),
    }
    same = source_checks.c.key == sa.bindparam("k")
    transaction.execute(sa.update(source_checks).where(same).values(values), rows)


def put_off(transaction: Transaction, source: str, works: Sequence[str], *, due: dt.datetime, error: str) -> None:
    """Record that a source did not answer about these. What it said before is kept."""
    for some in chunks([f"{source} {work}" for work in works]):
        values: dict[str, Any] = {**_DONE, "due": due, "error": error, "attempts": source_checks.c.attempts + 1}
        transaction.execute(sa.update(source_checks).where(source_checks.c.key.in_(some)).values(values))


def denied(transaction: Transaction, source: str, works: Sequence[str], *, due: dt.datetime | None) -> None:
    """Record that a source does not have these papers. That says nothing of them, and what it said before is kept."""
    for some in chunks([f"{source} {work}" for work in works]):
        values: dict[str, Any] = {**_DONE, "due": due, "error": "it does not have the paper", "attempts": 0}
        transaction.execute(sa.update(source_checks).where(source_checks.c.key.in_(some)).values(values))


def asked(transaction: Transaction, works: Collection[str]) -> dict[str, dict[str, dt.datetime | None]]:
    """Return when each source last said what it knows of each work; None: it has not, or does not have the work."""
    found: dict[str, dict[str, dt.datetime | None]] = {}
    columns = (source_checks.c.work, source_checks.c.source, source_checks.c.asked)
    for some in chunks(sorted(works)):
        for work, source, at in transaction.execute(sa.select(*columns).where(source_checks.c.work.in_(some))):
            found.setdefault(work, {})[source] = at
    return found
