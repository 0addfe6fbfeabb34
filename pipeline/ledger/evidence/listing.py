"""Cited papers as operators list them: all, or those that something is the matter with, in pages by PMID."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.evidence import cited
from pipeline.ledger.tables import articles, citations, identifiers, leases, mismatches, references, source_checks
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
    """PMIDs in text order. `next`: the one after which to go on; None: there is nothing more."""

    pmids: Sequence[str]
    next: str | None


class Turn(Struct, frozen=True):
    """When a source is asked about a paper again (None: no time is set), and why it did not answer last."""

    due: dt.datetime | None
    error: str | None


def page(transaction: Transaction, standing: Standing | None, *, after: str, limit: int) -> Page:
    """Return the next papers that an article not withdrawn cites. `after`: a PMID, or ""."""
    if standing is None:
        found = cited.after(transaction, after, limit=limit + 1)
    else:
        some = _mismatched() if standing == "mismatched" else _standing(standing)
        there = sa.and_(some.c.pmid > after, _is_cited(some.c.pmid))
        query = sa.select(some.c.pmid).where(there).distinct().order_by(some.c.pmid)
        found = list(transaction.scalars(query.limit(limit + 1)))
    return Page(found[:limit], found[limit - 1] if len(found) > limit else None)


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
