"""PMIDs that PubMed has merged into another.

PubMed drops the one and says nothing of the other. A record that is gone is therefore looked up by its DOI: if another
record has that DOI, the paper has that record's PMID now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import citations, identifiers, references
from pipeline.model.article import CitedWork


def look_for(transaction: Transaction, gone: Iterable[tuple[str, str | None]], *, now: dt.datetime) -> None:
    """Have the DOIs of records that are gone looked up now."""
    for work in sorted(f"doi:{doi}" for _, doi in gone if doi):
        row = {"work": work, "state": "pending", "due": now, "attempts": 0}
        looked_up = insert(transaction, identifiers).values(**row)
        again = looked_up.on_conflict_do_update(index_elements=["work"], set_={"due": now, "service": ""})
        transaction.execute(again)


_GONE = sa.select(references.c.pmid).where(one_of(references.c.pmid, "pmids"), references.c.state == "gone")
_MERGED = sa.select(references.c.pmid, references.c.merged_into).where(
    one_of(references.c.pmid, "pmids"), references.c.merged_into.is_not(None)
)


def gone(transaction: Transaction, pmids: Iterable[str]) -> set[str]:
    """Return those of the PMIDs that PubMed no longer has."""
    found: set[str] = set()
    for some in chunks(sorted(set(pmids))):
        found.update(transaction.scalars(_GONE, {"pmids": some}))
    return found


def followed(transaction: Transaction, pmids: Collection[str]) -> dict[str, str]:
    """Return the PMIDs into which some of these were merged."""
    found: dict[str, str] = {}
    for some in chunks(sorted(pmids)):
        found |= dict(transaction.execute(_MERGED, {"pmids": some}).all())
    return found


def record(transaction: Transaction, found: Mapping[CitedWork, str]) -> dict[str, str]:
    """Record which gone PMIDs were merged into those just found by DOI, and return them.

    Articles that cite the one cite the other, too, from now on.
    """
    by_doi = {work.value.lower(): into for work, into in found.items() if work.scheme == "doi"}
    merged = {
        pmid: by_doi[doi] for pmid, doi, before in _gone_with(transaction, by_doi) if by_doi[doi] not in (pmid, before)
    }
    for pmid, into in merged.items():
        was = sa.or_(references.c.pmid == pmid, references.c.merged_into == pmid)
        transaction.execute(sa.update(references).where(was).values(merged_into=into))
        citing = transaction.scalars(sa.select(citations.c.article).where(citations.c.pmid == pmid)).all()
        rows = [{"article": article, "pmid": into} for article in sorted(citing)]
        if rows:
            transaction.execute(insert(transaction, citations).on_conflict_do_nothing(), rows)
    return merged


def _gone_with(transaction: Transaction, dois: Iterable[str]) -> list[tuple[str, str, str | None]]:
    """Return the PMIDs that PubMed no longer has and whose records had these DOIs, and into what each was merged."""
    found: list[tuple[str, str, str | None]] = []
    for some in chunks(sorted(dois)):
        query = sa.select(references.c.pmid, references.c.doi, references.c.merged_into).order_by(references.c.pmid)
        gone = query.where(references.c.doi.in_(some), references.c.state == "gone").with_for_update()
        found += [tuple(row) for row in transaction.execute(gone)]
    return found
