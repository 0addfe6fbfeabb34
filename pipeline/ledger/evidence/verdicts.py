"""What sources beside PubMed say was done to papers: rows of published lists, and answers about single papers.

A list knows a paper by PMID, by DOI or both. An answer is kept with the check that asked for it, as "pmid:123" or, for
a paper that PubMed does not have, as "doi:10.1000/x".
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import evidence_sources, leases, listed_verdicts, references, source_checks
from pipeline.model.reference import SourceVerdict

_VERDICTS = tuple[SourceVerdict, ...]


class Paper(Struct, frozen=True):
    """The names under which sources know a paper. One of them is None at most."""

    pmid: str | None = None
    doi: str | None = None  # lower case

    @property
    def work(self) -> str:
        return self.works[0]

    @property
    def works(self) -> tuple[str, ...]:
        """Under what sources are asked about it, and under what they were asked before its PMID was known."""
        names = (f"pmid:{self.pmid}" if self.pmid else None, f"doi:{self.doi}" if self.doi else None)
        return tuple(filter(None, names))


def of_papers(transaction: Transaction, papers: Collection[Paper]) -> dict[Paper, _VERDICTS]:
    """Return everything that was said of each paper; those of which nothing was said are left out."""
    listed = _listed(transaction, papers)
    answered = _answered(transaction, papers)
    found = {paper: (*listed.get(paper, ()), *answered.get(paper, ())) for paper in papers}
    return {paper: tuple(dict.fromkeys(of_paper)) for paper, of_paper in found.items() if of_paper}


_LISTED = sa.union_all(
    sa.select(listed_verdicts).where(one_of(listed_verdicts.c.pmid, "pmids")),
    sa.select(listed_verdicts).where(one_of(listed_verdicts.c.doi, "dois")),
)


def _listed(transaction: Transaction, papers: Collection[Paper]) -> dict[Paper, list[SourceVerdict]]:
    by_pmid: defaultdict[str | None, dict[str, Any]] = defaultdict(dict)
    by_doi: defaultdict[str | None, dict[str, Any]] = defaultdict(dict)
    pmids = chunks(sorted({paper.pmid for paper in papers if paper.pmid}))
    dois = chunks(sorted({paper.doi for paper in papers if paper.doi}))
    for numbers, names in itertools.zip_longest(pmids, dois, fillvalue=()):
        for row in transaction.execute(_LISTED, {"pmids": numbers, "dois": names}):
            by_pmid[row.pmid][row.id] = by_doi[row.doi][row.id] = row
    found: dict[Paper, list[SourceVerdict]] = {}
    for paper in papers:
        rows = dict(by_pmid[paper.pmid]) if paper.pmid else {}
        # A row whose PMID is another paper's belongs to that one, whatever its DOI says.
        others = by_doi[paper.doi] if paper.doi else {}
        rows |= {id: row for id, row in others.items() if row.pmid in (None, paper.pmid) or not paper.pmid}
        found[paper] = [msgspec.json.decode(row.verdict, type=SourceVerdict) for _, row in sorted(rows.items())]
    return found


_ANSWERED = sa.select(source_checks.c.work, source_checks.c.source, source_checks.c.verdicts).where(
    one_of(source_checks.c.work, "works"), source_checks.c.verdicts.is_not(None)
)


def _answered(transaction: Transaction, papers: Collection[Paper]) -> dict[Paper, _VERDICTS]:
    """Return each source's last answer about each paper.

    What it said of the DOI counts until it has answered about the PMID, which may have become known since.
    """
    by_work: defaultdict[str, dict[str, _VERDICTS]] = defaultdict(dict)
    for some in chunks(sorted({work for paper in papers for work in paper.works})):
        for work, source, verdicts in transaction.execute(_ANSWERED, {"works": some}):
            by_work[work][source] = msgspec.json.decode(verdicts, type=_VERDICTS)
    found: dict[Paper, _VERDICTS] = {}
    for paper in papers:
        by_source = {source: given for work in reversed(paper.works) for source, given in by_work[work].items()}
        found[paper] = tuple(one for _, given in sorted(by_source.items()) for one in given)
    return found


# --- which sources there are, and how they are ----------------------------------------------------------------------


class SourceState(Struct, frozen=True):
    """How a source is. `failing`: since when it has not answered."""

    name: str
    by_paper: bool
    answered: dt.datetime | None
    failing: dt.datetime | None
    error: str | None
    etag: str | None
    edition: int  # of a list; of a source that is asked about papers, 1 once all that are cited have their checks
    rows: int

    @property
    def asked_about_all(self) -> bool:
        """Return whether everything that was cited before the source was in use is to be asked about."""
        return not self.by_paper or self.edition > 0


def states(transaction: Transaction) -> dict[str, SourceState]:
    """Return every source beside PubMed that this site ever asked."""
    rows = transaction.execute(sa.select(evidence_sources).order_by("name"))
    return {row.name: SourceState(**row._mapping) for row in rows}


def register(transaction: Transaction, names: Mapping[str, bool]) -> None:
    """Enter the sources in use, by name; `True`: it is asked about each paper."""
    rows = [{"name": name, "by_paper": by_paper, "edition": 0, "rows": 0} for name, by_paper in sorted(names.items())]
    if rows:
        transaction.execute(insert(transaction, evidence_sources).on_conflict_do_nothing(), rows)


def asked_about_all(transaction: Transaction, name: str) -> None:
    """Record that every cited paper has its check at the source."""
    transaction.execute(sa.update(evidence_sources).where(evidence_sources.c.name == name).values(edition=1))


def ask_lists_again(transaction: Transaction) -> None:
    """Have every list downloaded now, if it has changed, except from a source that asked to be left alone."""
    names = sa.select(sa.literal("source:").concat(evidence_sources.c.name))
    well = names.where(evidence_sources.c.by_paper.is_(False), evidence_sources.c.failing.is_(None))
    transaction.execute(sa.update(leases).where(leases.c.name.in_(well)).values(not_before=None))


def forget(transaction: Transaction, name: str) -> None:
    """Delete a source that is no longer asked, and its verdicts, since changes to them would go unnoticed."""
    transaction.execute(sa.delete(listed_verdicts).where(listed_verdicts.c.source == name))
    transaction.execute(sa.delete(source_checks).where(source_checks.c.source == name))
    transaction.execute(sa.delete(evidence_sources).where(evidence_sources.c.name == name))


def answered(transaction: Transaction, name: str, *, now: dt.datetime) -> None:
    same = evidence_sources.c.name == name
    transaction.execute(sa.update(evidence_sources).where(same).values(answered=now, failing=None, error=None))


def failed(transaction: Transaction, name: str, error: str, *, now: dt.datetime) -> None:
    """Record that a source did not answer. What it said before stays in force."""
    since = sa.func.coalesce(evidence_sources.c.failing, sa.literal(now, evidence_sources.c.failing.type))
    same = evidence_sources.c.name == name
    transaction.execute(sa.update(evidence_sources).where(same).values(failing=since, error=error))


# --- the papers that are watched ------------------------------------------------------------------------------------


def papers_of(transaction: Transaction, pmids: Iterable[str]) -> dict[str, Paper]:
    """Return each paper with the DOI of PubMed's record, if it is known."""
    found: dict[str, Paper] = {}
    for some in chunks(sorted(set(pmids))):
        known = sa.select(references.c.pmid, references.c.doi).where(references.c.pmid.in_(some))
        dois: dict[str, str | None] = dict(transaction.execute(known).all())
        found |= {pmid: Paper(pmid, dois.get(pmid)) for pmid in some}
    return found


def cited_among(transaction: Transaction, papers: Sequence[Paper]) -> list[str]:
    """Return the PMIDs of those papers that this site knows, by PMID or by the DOI of PubMed's record."""
    found: set[str] = set()
    for column, values in (
        (references.c.pmid, {paper.pmid for paper in papers if paper.pmid}),
        (references.c.doi, {paper.doi for paper in papers if paper.doi}),
    ):
        for some in chunks(sorted(values)):
            found.update(transaction.scalars(sa.select(references.c.pmid).where(column.in_(some))))
    return sorted(found)
