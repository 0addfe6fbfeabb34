"""Forget what sources said of papers that no article cites any longer, where none of them said anything against one.

Nothing that proves what was shown is lost: each revision has its references as readers saw them. What was ever flagged,
accepted by a person, or merged into another record is kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import (
    accepted_evidence,
    citations,
    evidence_changes,
    identifier_citations,
    identifiers,
    listed_verdicts,
    references,
    source_checks,
)

_NOTHING = b"[]"  # the verdicts of a source that has the paper and says nothing of it


def forget(transaction: Transaction, *, before: dt.datetime, limit: int) -> int:
    """Delete up to `limit` PMIDs and as many other works that were last asked about before this; return how many."""
    pmids: list[str] = list(transaction.scalars(_idle_pmids(before).limit(limit)))
    works: list[str] = list(transaction.scalars(_idle_identifiers(before).limit(limit)))
    transaction.execute(sa.delete(references).where(references.c.pmid.in_(pmids)))
    transaction.execute(sa.delete(identifiers).where(identifiers.c.work.in_(works)))
    _forget_checks(transaction, [*(f"pmid:{pmid}" for pmid in pmids), *works])
    return max(len(pmids), len(works))


def _forget_checks(transaction: Transaction, works: Sequence[str]) -> None:
    transaction.execute(sa.delete(source_checks).where(source_checks.c.work.in_(works)))


def _idle_pmids(before: dt.datetime) -> sa.Select[Any]:
    """Select the PMIDs that nothing cites or names any longer.

    One that is cited again at this moment has no row then, which the daily check of what is cited notices.
    """
    other = references.alias()
    work = sa.literal("pmid:").concat(references.c.pmid)
    return (
        sa.select(references.c.pmid)
        .where(
            references.c.fetched < before,
            references.c.editorial == "",
            references.c.merged_into.is_(None),
            ~sa.exists().where(other.c.merged_into == references.c.pmid),
            ~sa.exists().where(citations.c.pmid == references.c.pmid),
            ~sa.exists().where(identifiers.c.pmid == references.c.pmid),
            ~sa.exists().where(evidence_changes.c.pmid == references.c.pmid),
            ~sa.exists().where(listed_verdicts.c.pmid == references.c.pmid),
            ~sa.exists().where(listed_verdicts.c.doi == references.c.doi),
            *_is_harmless(work),
        )
        .order_by(references.c.pmid)
    )


def _idle_identifiers(before: dt.datetime) -> sa.Select[Any]:
    doi = sa.func.substr(identifiers.c.work, len("doi:") + 1)  # on this side, so that the list's index applies
    return (
        sa.select(identifiers.c.work)
        .where(
            identifiers.c.asked < before,
            ~sa.exists().where(identifier_citations.c.work == identifiers.c.work),
            ~sa.exists().where(identifiers.c.work.startswith("doi:"), listed_verdicts.c.doi == doi),
            *_is_harmless(identifiers.c.work),
        )
        .order_by(identifiers.c.work)
    )


def _is_harmless(work: sa.ColumnElement[str]) -> tuple[sa.ColumnElement[bool], ...]:
    """Match a work of which no source says anything, and that no person has accepted."""
    said = (source_checks.c.work == work, source_checks.c.verdicts.is_not(None), source_checks.c.verdicts != _NOTHING)
    return (~sa.exists().where(*said), ~sa.exists().where(accepted_evidence.c.reference == work))
