"""Store an edition of a list that its source publishes whole, a few rows in a transaction.

New and changed rows count as soon as they are stored. Rows that an edition no longer has are deleted only after all of
it was read, so that a file that breaks off takes nothing back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.evidence.verdicts import Paper
from pipeline.ledger.tables import evidence_sources, listed_verdicts
from pipeline.model.reference import ListedVerdict, SourceVerdict


def changed(transaction: Transaction, source: str, rows: Sequence[ListedVerdict]) -> list[ListedVerdict]:
    """Return the rows that are new or differ from those stored."""
    columns = (listed_verdicts.c.id, listed_verdicts.c.pmid, listed_verdicts.c.doi, listed_verdicts.c.verdict)
    ids = [row.id for row in rows]
    mine = sa.and_(listed_verdicts.c.source == source, listed_verdicts.c.id.in_(ids))
    known = {row.id: (row.pmid, row.doi, row.verdict) for row in transaction.execute(sa.select(*columns).where(mine))}
    return [row for row in rows if known.get(row.id) != (row.pmid, row.doi, msgspec.json.encode(row.verdict))]


def papers(transaction: Transaction, source: str, rows: Sequence[ListedVerdict]) -> list[Paper]:
    """Return the papers that these rows speak of, and those that they spoke of before."""
    ids = [row.id for row in rows]
    mine = sa.and_(listed_verdicts.c.source == source, listed_verdicts.c.id.in_(ids))
    before = transaction.execute(sa.select(listed_verdicts.c.pmid, listed_verdicts.c.doi).where(mine)).all()
    return [*(Paper(row.pmid, row.doi) for row in rows), *(Paper(pmid, doi) for pmid, doi in before)]


def store(
    transaction: Transaction,
    source: str,
    rows: Sequence[ListedVerdict],
    changed: Sequence[ListedVerdict],
    *,
    edition: int,
) -> None:
    """Store the changed rows, and note of all of them that the edition has them."""
    ids = [row.id for row in rows]
    mine = sa.and_(listed_verdicts.c.source == source, listed_verdicts.c.id.in_(ids))
    transaction.execute(sa.update(listed_verdicts).where(mine).values(edition=edition))
    if changed:
        values = [
            {
                "source": source,
                "id": row.id,
                "pmid": row.pmid,
                "doi": row.doi,
                "verdict": msgspec.json.encode(row.verdict),
                "edition": edition,
            }
            for row in {row.id: row for row in changed}.values()
        ]
        statement = insert(transaction, listed_verdicts)
        new = {name: statement.excluded[name] for name in ("pmid", "doi", "verdict", "edition")}
        key = [listed_verdicts.c.source, listed_verdicts.c.id]
        transaction.execute(statement.on_conflict_do_update(index_elements=key, set_=new), values)


def gone(transaction: Transaction, source: str, *, edition: int, limit: int) -> list[ListedVerdict]:
    """Return rows that the edition does not have."""
    old = sa.and_(listed_verdicts.c.source == source, listed_verdicts.c.edition < edition)
    rows = transaction.execute(sa.select(listed_verdicts).where(old).order_by(listed_verdicts.c.id).limit(limit))
    return [ListedVerdict(id=row.id, pmid=row.pmid, doi=row.doi, verdict=_verdict(row.verdict)) for row in rows]


def drop(transaction: Transaction, source: str, rows: Sequence[ListedVerdict]) -> None:
    ids = [row.id for row in rows]
    mine = sa.and_(listed_verdicts.c.source == source, listed_verdicts.c.id.in_(ids))
    transaction.execute(sa.delete(listed_verdicts).where(mine))


def complete(
    transaction: Transaction, source: str, *, edition: int, rows: int, etag: str | None, now: dt.datetime
) -> None:
    """Record that an edition is stored whole."""
    values = {"edition": edition, "rows": rows, "etag": etag, "answered": now, "failing": None, "error": None}
    transaction.execute(sa.update(evidence_sources).where(evidence_sources.c.name == source).values(**values))


def _verdict(body: bytes) -> SourceVerdict:
    return msgspec.json.decode(body, type=SourceVerdict)
