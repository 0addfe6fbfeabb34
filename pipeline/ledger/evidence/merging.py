"""PMIDs that PubMed has merged into another.

PubMed drops the one and says nothing of the other. A record that is gone is therefore looked up by its DOI: if another
record has that DOI, the paper has that record's PMID now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.tables import citations, identifiers, references
from pipeline.model.article import CitedWork


def look_for(transaction: Transaction, gone: Iterable[tuple[str, str | None]], *, now: dt.datetime) -> None:
    """Have the DOIs of records that are gone looked up now."""
    for work in sorted(f"doi:{doi}" for _, doi in gone if doi):
        row = {"work": work, "state": "pending", "due": now, "attempts": 0}
        looked_up = insert(transaction, identifiers).values(**row)
        again = looked_up.on_conflict_do_update(index_elements=["work"], set_={"due": now, "service": ""})
        transaction.execute(again)


def gone(transaction: Transaction, pmids: Iterable[str]) -> set[str]:
    """Return those of the PMIDs that PubMed no longer has."""
    found: set[str] = set()
    for some in chunks(sorted(set(pmids))):
        query = sa.select(references.c.pmid).where(references.c.pmid.in_(some), references.c.state == "gone")
        found.update(transaction.scalars(query))
    return found


def followed(transaction: Transaction, pmids: Collection[str]) -> dict[str, str]:
    """Return the PMIDs into which some of these were merged."""
    found: dict[str, str] = {}
    for some in chunks(sorted(pmids)):
        into = references.c.merged_into
        query = sa.select(references.c.pmid, into).where(references.c.pmid.in_(some), into.is_not(None))
        found |= dict(transaction.execute(query).all())
    return found


def record(transaction: Transaction, found: Mapping[CitedWork, str]) -> dict[str, str]:
    """Record which gone PMIDs were merged into those just found by DOI, and return them.

    Articles that cite the one cite the other, too, from now on.
    """
    merged: dict[str, str] = {}
    for work, into in sorted(found.items(), key=lambda one: one[0].value):
        if work.scheme == "doi":
            was = (references.c.doi == work.value.lower(), references.c.state == "gone", references.c.pmid != into)
            news = sa.or_(references.c.merged_into.is_(None), references.c.merged_into != into)
            update = sa.update(references).where(*was, news).values(merged_into=into).returning(references.c.pmid)
            merged |= dict.fromkeys(transaction.scalars(update), into)
    for pmid, into in merged.items():
        transaction.execute(sa.update(references).where(references.c.merged_into == pmid).values(merged_into=into))
        citing = transaction.scalars(sa.select(citations.c.article).where(citations.c.pmid == pmid)).all()
        rows = [{"article": article, "pmid": into} for article in sorted(citing)]
        if rows:
            transaction.execute(insert(transaction, citations).on_conflict_do_nothing(), rows)
    return merged
