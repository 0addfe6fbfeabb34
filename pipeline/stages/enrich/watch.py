"""Watching the evidence: what PubMed says anew of papers that live articles cite, and when it is asked again.

A change that matters is a paper's editorial state, gained or lost: a row, a log line, a metric, an entry in the feed of
evidence changes. What follows from it for an article is decided where it is rendered (see render, holding, gate).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import structlog

from pipeline.ledger import Ledger, Transaction
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.ledger.evidence import cited, rechecks
from pipeline.model.reference import EvidenceChange
from pipeline.stages.context import Context
from pipeline.stages.enrich import night
from pipeline.stages.enrich.editorial import EditorialChange, change_of

_AT_ONCE = 500  # references ordered in one transaction

_log = structlog.get_logger()


def noticed(context: Context, transaction: Transaction, changes: Sequence[EvidenceChange], *, now: dt.datetime) -> None:
    """Write down what matters of an answer, in the transaction that keeps the answer."""
    for change in changes:
        turn = change_of(change)
        if turn is None or change.after is None:
            continue
        articles = _misled(transaction, change, turn)
        if not articles:
            continue
        evidence_changes.add(transaction, change.after, gained=turn.gained, lost=turn.lost, articles=articles, at=now)
        _log.warning("evidence changed", pmid=change.pmid, gained=turn.gained, lost=turn.lost, articles=len(articles))


def next_look(context: Context, *, now: dt.datetime) -> dt.datetime | None:
    """When PubMed is asked again for a reference that it has just answered for. None: only when somebody wants it."""
    nights = context.policy.recheck_days
    if not nights:
        return None
    return night.look_after(now, nights=nights, chance=context.chance(), site=context.site.url)


def may_recheck(context: Context, *, now: dt.datetime) -> bool:
    """Whether it is the hour for the nightly look. What articles wait for, or somebody ordered, needs no such hour."""
    return context.policy.recheck_days > 0 and night.is_night(now)


def recheck(ledger: Ledger, *, now: dt.datetime) -> int:
    """Have PubMed asked again, as soon as it may be, for all that articles cite which are not withdrawn. How many.

    A few at a time, each in a transaction of its own: however many there are, nobody waits for this.
    """
    ordered, last = 0, ""
    while True:
        with ledger.write() as transaction:
            some = cited.after(transaction, last, limit=_AT_ONCE)
            rechecks.order(transaction, some, due=now)
        if not some:
            return ordered
        ordered, last = ordered + len(some), some[-1]


def _misled(transaction: Transaction, change: EvidenceChange, turn: EditorialChange) -> list[str]:
    """The live articles that are out with what held before. One that waited for the answer never said otherwise."""
    out = evidence_changes.out_with(transaction, change.pmid)
    if change.before is not None:
        return out
    return [article for article in out if evidence_changes.shows(transaction, article, change.pmid)]
