"""Watch the evidence: record changes to the editorial status of papers that live articles cite.

A relevant change is an editorial state gained or lost. It becomes a row, a log line, a metric and an entry in the feed
of evidence changes. Its consequences for an article are decided when the article is rendered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import structlog

from pipeline.ledger import Ledger, Transaction
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.ledger.evidence import checks, cited, rechecks, verdicts
from pipeline.model.reference import EvidenceChange
from pipeline.stages.enrich.editorial import EditorialChange, change_of

_PER_TRANSACTION = 500  # references

_log = structlog.get_logger()


def record_changes(transaction: Transaction, changes: Sequence[EvidenceChange], *, now: dt.datetime) -> None:
    """Record the relevant changes in an answer, in the transaction that stores the answer."""
    for change in changes:
        found = change_of(change)
        if found is None or change.after is None:
            continue
        articles = _articles_out_with(transaction, change)
        if articles:
            _record(transaction, change, found, articles, now)


def recheck(ledger: Ledger, *, now: dt.datetime) -> int:
    """Request a recheck of everything cited by an article that is not withdrawn; return the number of PMIDs.

    Processes a few per transaction, so that other writers do not wait however many there are.
    """
    requested, last = 0, ""
    with ledger.write() as transaction:
        verdicts.ask_lists_again(transaction)
    _recheck_by_doi(ledger, now)
    while True:
        with ledger.write() as transaction:
            pmids = cited.after(transaction, last, limit=_PER_TRANSACTION)
            rechecks.request_recheck(transaction, pmids, due=now)
            checks.request(transaction, [f"pmid:{pmid}" for pmid in pmids], due=now)
        if not pmids:
            return requested
        requested, last = requested + len(pmids), pmids[-1]


def _recheck_by_doi(ledger: Ledger, now: dt.datetime) -> None:
    """Have the sources asked again about papers that PubMed may not have."""
    works = [""]
    while works:
        with ledger.write() as transaction:
            works = checks.cited_by_doi(transaction, works[-1], limit=_PER_TRANSACTION)
            checks.request(transaction, works, due=now)


def _record(
    transaction: Transaction, change: EvidenceChange, found: EditorialChange, articles: Sequence[str], now: dt.datetime
) -> None:
    assert change.after is not None, "a status changes by an answer"
    evidence_changes.add(transaction, change.after, gained=found.gained, lost=found.lost, articles=articles, at=now)
    _log.warning("evidence changed", pmid=change.pmid, gained=found.gained, lost=found.lost, articles=len(articles))


def _articles_out_with(transaction: Transaction, change: EvidenceChange) -> list[str]:
    """Return the live articles that showed the former status. One that waited for the first answer never did."""
    out = evidence_changes.out_with(transaction, change.pmid)
    if change.before is not None:
        return out
    return [article for article in out if evidence_changes.shows(transaction, article, change.pmid)]
