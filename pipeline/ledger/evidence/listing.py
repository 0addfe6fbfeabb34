"""Cited papers as operators list them: all, or those that something is the matter with.

Pages go by PMID, in text order, and on with the works that PubMed does not have, by their other identifier.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.evidence import cited
from pipeline.ledger.evidence import identifiers as conversions
from pipeline.ledger.tables import (
    articles,
    citations,
    identifier_citations,
    identifiers,
    leases,
    mismatches,
    references,
    source_checks,
)
from pipeline.model.article import CitedWork
from pipeline.model.reference import TAKEN_BACK, EditorialState

Standing = Literal["retracted", "concern", "corrected", "mismatched", "not-found", "pending"]
"""What may be the matter with a cited paper. mismatched: it is another work than an article's words describe."""

_MARKS: Final[Mapping[Standing, frozenset[EditorialState]]] = {
    "retracted": TAKEN_BACK,
    "concern": frozenset({"concern"}),
    "corrected": frozenset({"erratum", "corrected-republished"}),
}
_STATES: Final[Mapping[Standing, tuple[str, ...]]] = {"not-found": ("unknown", "gone"), "pending": ("pending",)}


class Page(Struct, frozen=True):
    """Works in the order of the list. `next`: after which to go on, a PMID or "doi:10.1000/x"; None: nothing more."""

    works: Sequence[CitedWork]
    next: str | None


class Turn(Struct, frozen=True):
    """When a source is asked about a paper again (None: no time is set), and why it did not answer last."""

    due: dt.datetime | None
    error: str | None


def page(transaction: Transaction, standing: Standing | None, *, after: str, limit: int) -> Page:
    """Return the next works that an article not withdrawn cites. `after`: the `next` of the page before, or ""."""
    found: list[tuple[str, CitedWork]] = []
    if ":" not in after:
        pmids = _pmids(transaction, standing, after, limit + 1)
        found += [(pmid, CitedWork("pmid", pmid)) for pmid in pmids]
    if (missing := limit + 1 - len(found)) > 0:
        works = _without_pmid(transaction, standing, after if ":" in after else "", missing)
        found += [(key, work) for key in works if (work := conversions.parsed(key))]
    return Page([work for _, work in found[:limit]], found[limit - 1][0] if len(found) > limit else None)


def _pmids(transaction: Transaction, standing: Standing | None, after: str, limit: int) -> list[str]:
    if standing is None:
        return cited.after(transaction, after, limit=limit)
    some = _mismatched() if standing == "mismatched" else _standing(standing)
    there = sa.and_(some.c.pmid > after, _is_cited(some.c.pmid))
    query = sa.select(some.c.pmid).where(there).distinct().order_by(some.c.pmid)
    return list(transaction.scalars(query.limit(limit)))


def _without_pmid(transaction: Transaction, standing: Standing | None, after: str, limit: int) -> list[str]:
    """Return works that are known by no PMID. Their editorial states are in no column, and so none is found by them."""
    if standing in _MARKS:
        return []
    work = identifiers.c.work
    one = sa.select(identifier_citations.c.article).where(identifier_citations.c.work == work).limit(1)
    where = [identifiers.c.pmid.is_(None), work > after, one.scalar_subquery().is_not(None)]
    if standing == "mismatched":
        live = sa.select(articles.c.state).where(articles.c.id == mismatches.c.article).limit(1).scalar_subquery()
        wrong = sa.select(mismatches.c.work).where(live == "live", sa.not_(mismatches.c.work.startswith("pmid:")))
        where.append(work.in_(wrong))
    elif standing is not None:
        where.append(identifiers.c.state.in_(_STATES[standing]))
    return list(transaction.scalars(sa.select(work).where(*where).order_by(work).limit(limit)))


def _standing(standing: Standing) -> sa.CTE:
    """Select the papers of a standing. They are few, and so found first, and not looked for among all that follow."""
    pmid, editorial = references.c.pmid, references.c.editorial
    if standing in _STATES:
        found = sa.select(pmid).where(references.c.state.in_(_STATES[standing]))
    else:
        states = sa.literal(" ") + editorial + " "
        marked = sa.or_(*(states.contains(f" {one} ", autoescape=True) for one in sorted(_MARKS[standing])))
        found = sa.select(pmid).where(references.c.state.in_(("resolved", "gone")), editorial > "", marked)
    return found.cte("found").prefix_with("MATERIALIZED")


def _mismatched() -> sa.CTE:
    by_pmid = mismatches.c.work.startswith("pmid:")
    pmid = sa.case((by_pmid, sa.func.substr(mismatches.c.work, 6)), else_=identifiers.c.pmid).label("pmid")
    live = sa.select(articles.c.state).where(articles.c.id == mismatches.c.article).limit(1).scalar_subquery()
    rows = sa.select(pmid).outerjoin(identifiers, identifiers.c.work == mismatches.c.work).where(live == "live")
    return rows.cte("found").prefix_with("MATERIALIZED")


def _is_cited(pmid: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Look the paper up among the citations, one by one: for an EXISTS, PostgreSQL may read all of them."""
    one = sa.select(citations.c.article).where(citations.c.pmid == pmid).limit(1)
    return one.scalar_subquery().is_not(None)


def turns(transaction: Transaction, pmid: str, doi: str | None, lists: Sequence[str]) -> dict[str, Turn]:
    """Return by source when it is asked about the paper again. `lists`: the sources that are downloaded whole.

    PubMed is "pubmed". Of a source that was asked by DOI before the PMID was known, the turn of the PMID counts.
    """
    found: dict[str, Turn] = {}
    pubmed = transaction.execute(
        sa.select(references.c.due, references.c.error).where(references.c.pmid == pmid)
    ).one_or_none()
    if pubmed is not None:
        found["pubmed"] = Turn(pubmed.due, pubmed.error)
    works = [f"doi:{doi}"] if doi else []
    columns: list[sa.ColumnElement[Any]] = [source_checks.c[name] for name in ("work", "source", "due", "error")]
    rows = transaction.execute(sa.select(*columns).where(source_checks.c.work.in_([*works, f"pmid:{pmid}"])))
    for row in sorted(rows, key=lambda row: str(row.work)):  # doi: before pmid:
        found[row.source] = Turn(row.due, row.error)
    names = {f"source:{name}": name for name in lists}
    waiting = sa.select(leases.c.name, leases.c.not_before, leases.c.error).where(leases.c.name.in_(names))
    for row in transaction.execute(waiting):
        found[names[row.name]] = Turn(row.not_before, row.error)
    return found
