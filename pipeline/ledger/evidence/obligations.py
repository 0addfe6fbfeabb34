"""What has to be asked again: every work that an article cites, of NCBI and of every source, by the rules.

The rules are kept row by row, whenever something is cited or answered. Here they are checked as a whole, so that a row
that was lost or put off too far (by a bug, a wrong clock, a restored backup) is found within a day.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.evidence import checks, rechecks
from pipeline.ledger.tables import citations, identifier_citations, identifiers, references, source_checks

_SETTLED = sa.and_(identifiers.c.state == "resolved", identifiers.c.pmid.is_not(None))


class Deadline(Struct, frozen=True):
    """No cited work is due later than `latest`. `nightly`: those that PubMed has answered for are due at all."""

    now: dt.datetime
    latest: dt.datetime
    nightly: bool


def repair_references(transaction: Transaction, deadline: Deadline) -> int:
    """Make cited PMIDs due now that are not due, or too late; return how many."""
    cited = sa.select(citations.c.pmid)
    lost = sa.select(citations.c.pmid).where(citations.c.pmid.not_in(sa.select(references.c.pmid))).distinct()
    rows = [
        {"pmid": pmid, "state": "pending", "due": deadline.now, "attempts": 0} for pmid in transaction.scalars(lost)
    ]
    if rows:
        transaction.execute(insert(transaction, references).on_conflict_do_nothing(), rows)
    idle = (
        references.c.due.is_(None)
        if deadline.nightly
        else sa.and_(references.c.due.is_(None), references.c.state != "resolved")
    )
    wrong = sa.and_(references.c.pmid.in_(cited), sa.or_(idle, references.c.due > deadline.latest))
    due = sa.update(references).where(wrong).values(due=deadline.now, priority=rechecks.REQUESTED)
    return len(rows) + transaction.execute(due).rowcount


def repair_identifiers(transaction: Transaction, deadline: Deadline) -> int:
    """Do so for DOIs, PMCIDs and books without a PMID, and have those with one cite it; return how many."""
    known = sa.select(identifiers.c.work)
    lost = sa.select(identifier_citations.c.work).where(identifier_citations.c.work.not_in(known)).distinct()
    rows = [
        {"work": work, "state": "pending", "due": deadline.now, "attempts": 0} for work in transaction.scalars(lost)
    ]
    if rows:
        transaction.execute(insert(transaction, identifiers).on_conflict_do_nothing(), rows)
    late = sa.or_(identifiers.c.due.is_(None), identifiers.c.due > deadline.latest)
    cited = identifiers.c.work.in_(sa.select(identifier_citations.c.work))
    due = sa.update(identifiers).where(cited, sa.not_(_SETTLED), late).values(due=deadline.now)
    return len(rows) + transaction.execute(due).rowcount + _cite_found(transaction)


def _cite_found(transaction: Transaction) -> int:
    """Make articles cite the PMIDs of the works that they cite, where that is missing."""
    same = sa.and_(citations.c.article == identifier_citations.c.article, citations.c.pmid == identifiers.c.pmid)
    query = (
        sa.select(identifier_citations.c.article, identifiers.c.pmid)
        .join(identifiers, identifiers.c.work == identifier_citations.c.work)
        .outerjoin(citations, same)
        .where(_SETTLED, citations.c.pmid.is_(None))
        .distinct()
    )
    rows = [{"article": article, "pmid": pmid} for article, pmid in transaction.execute(query)]
    if rows:
        transaction.execute(insert(transaction, citations).on_conflict_do_nothing(), rows)
    return len(rows)


def repair_checks(transaction: Transaction, source: str, after: str, deadline: Deadline, *, limit: int) -> str | None:
    """Have a source asked about the next cited works, as `checks.ensure_cited` does, and not too late."""
    last = checks.ensure_cited(transaction, source, after, now=deadline.now, limit=limit)
    within = [source_checks.c.source == source, source_checks.c.work > after, source_checks.c.due > deadline.latest]
    if last is not None:
        within.append(source_checks.c.work <= last)
    transaction.execute(sa.update(source_checks).where(*within).values(due=deadline.now))
    return last
