"""enrich: PMIDs → references, in batches shared by all articles; DOIs and PMCIDs become PMIDs on the way.

`schedule` decides when NCBI is asked, and for what. A failed request says nothing about any reference: pending ones
stay pending, and known ones stay known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import structlog

from pipeline.errors import CitewireError, TransientError
from pipeline.ledger import Transaction, evidence
from pipeline.ledger.evidence import identifiers, rechecks
from pipeline.ledger.evidence.ncbi_rate_limit import Service
from pipeline.model.article import CitedWork
from pipeline.references.idconv import Converted
from pipeline.references.pubmed.eutils import Fetched
from pipeline.stages.context import Context
from pipeline.stages.enrich import watch
from pipeline.stages.enrich.batches import next_batch
from pipeline.stages.enrich.due import make_due
from pipeline.stages.enrich.schedule import Schedule
from pipeline.stages.stage import Bell, Claim, Stage

_UNREADABLE = dt.timedelta(hours=1)  # how long a record that breaks its answer is left alone: finding it costs requests

_log = structlog.get_logger()


class Enrich(Stage):
    name = "enrich"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if Schedule(context).anything_due(transaction, now) else []

    def oldest_due(self, context: Context, transaction: Transaction, now: dt.datetime) -> dt.datetime | None:
        return rechecks.oldest_due(transaction, night=Schedule(context).is_night(now))

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease a batch of PMIDs or of works ("doi:10.1000/x"). Waits a moment for the batch and its permit."""
        batch = next_batch(context)
        if batch is None:
            return []
        return [Claim(batch.token, batch.pmids or tuple(f"{work.scheme}:{work.value}" for work in batch.works))]

    def do(self, context: Context, claim: Claim) -> bool:
        """Ask for the batch. Articles whose references are all answered are rendered at once, the others soon."""
        works = _works(claim)
        try:
            if works:
                _converted(context, claim, works, _convert(context, works))
            else:
                _answered(context, claim, context.pubmed.fetch(claim.keys))
        except TransientError as error:
            facts = {"code": error.code, "error": str(error), "asked_for": len(claim.keys)}
            if works:
                _log.warning("the ID converter did not answer", **facts)
            else:
                _log.warning("pubmed did not answer", **facts)
            self.failed(context, claim, error)
            return False
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Ask again after a pause that grows with every failure in a row."""
        schedule, works, token = Schedule(context), _works(claim), claim.token
        text = f"{error.code if isinstance(error, CitewireError) else type(error).__name__}: {error}"
        with context.ledger.write() as transaction:
            service: Service = "idconv" if works else "pubmed"
            due = schedule.failed(transaction, service, error, token=token, now=context.clock())
            if works:
                identifiers.put_off(transaction, works, token=token, due=due, error=text)
            else:
                evidence.put_off(transaction, claim.keys, token=token, due=due, error=text)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: batches are claimed one at a time, and always requested."""


def _works(claim: Claim) -> list[CitedWork]:
    """Return the works to convert; empty for a batch of PMIDs."""
    return [work for key in claim.keys if (work := identifiers.parsed(key))]


def _convert(context: Context, works: Sequence[CitedWork]) -> Converted:
    if context.converter is None:
        return Converted({}, frozenset(works))
    return context.converter.convert(works)


def _converted(context: Context, claim: Claim, works: Sequence[CitedWork], found: Converted) -> None:
    now, schedule = context.clock(), Schedule(context)
    left_out = [work for work in works if work not in found.pmids and work not in found.unknown]
    with context.ledger.write() as transaction:
        soon = schedule.left_out(now)
        identifiers.put_off(transaction, left_out, token=claim.token, due=soon, error="left out of an answer")
        changed = evidence.converted(transaction, found.pmids, found.unknown, now=now, ask_again=schedule.unknown(now))
        complete = make_due(context, transaction, identifiers.citing(transaction, changed), now)
        schedule.answered(transaction, "idconv", token=claim.token, counted=now, limit=found.rate_limit)
    _log.info("converted", resolved=len(found.pmids), unknown=len(found.unknown))
    context.doorbell.ring("render" if complete else "enrich")


def _answered(context: Context, claim: Claim, fetched: Fetched) -> None:
    complete = context.ledger.written(lambda transaction: _store(transaction, context, claim, fetched))
    _log.info("enriched", resolved=len(fetched.resolved), unknown=len(fetched.unknown))
    for pmid, error in fetched.broken.items():
        _log.warning("pubmed's record cannot be read", pmid=pmid, error=str(error))
    if complete:
        context.doorbell.ring("render")


def _store(transaction: Transaction, context: Context, claim: Claim, fetched: Fetched) -> list[str]:
    """Store PubMed's answer; return the affected articles that now have all their references."""
    now, schedule = context.clock(), Schedule(context)
    _postpone_unanswered(transaction, claim, fetched, schedule, now)
    changes = evidence.answered(
        transaction,
        fetched.resolved,
        fetched.unknown,
        now=now,
        ask_again=schedule.unknown(now),
        next_look=schedule.next_nightly_check(now),
    )
    watch.record_changes(transaction, changes, now=now)
    citing = evidence.citing(transaction, [change.pmid for change in changes])
    complete = make_due(context, transaction, citing, now)
    counted = fetched.counted or now
    schedule.answered(transaction, "pubmed", token=claim.token, counted=counted, limit=fetched.rate_limit)
    return complete


def _postpone_unanswered(
    transaction: Transaction, claim: Claim, fetched: Fetched, schedule: Schedule, now: dt.datetime
) -> None:
    left_out = set(claim.keys) - set(fetched.resolved) - fetched.unknown - set(fetched.broken)
    soon = schedule.left_out(now)
    evidence.put_off(transaction, left_out, token=claim.token, due=soon, error="left out of an answer")
    for pmid, error in fetched.broken.items():
        text = f"{error.code}: {error}"
        evidence.put_off(transaction, [pmid], token=claim.token, due=now + _UNREADABLE, error=text)
