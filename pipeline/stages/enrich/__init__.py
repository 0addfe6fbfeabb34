"""enrich: PMIDs → references, in batches shared by all articles; DOIs, PMCIDs and books are looked up on the way.

`schedule` decides when a service is asked, and for what; `chain` which services a DOI is looked up at, in turn. A
failed request says nothing about any reference: pending ones stay pending, and known ones stay known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager

import structlog

from pipeline.errors import TransientError, code_of
from pipeline.ledger import Transaction, evidence
from pipeline.ledger.articles import traces
from pipeline.ledger.claims import DueRows
from pipeline.ledger.evidence import denials, identifiers, merging, rechecks
from pipeline.model.article import CitedWork
from pipeline.references.pubmed.eutils import Fetched
from pipeline.stages.context import Context
from pipeline.stages.enrich import meant, watch
from pipeline.stages.enrich.batches import next_batch
from pipeline.stages.enrich.chain import Answer, ask, services
from pipeline.stages.enrich.due import make_due
from pipeline.stages.enrich.schedule import MATCHER, PUBMED, Schedule
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.tracing import Fact, batch

_MANY = 5  # records that one answer may lack, however few it has
_UNREADABLE = dt.timedelta(hours=1)  # how long a record that breaks its answer is left alone: finding it costs requests

_log = structlog.get_logger()


class Enrich(Stage):
    name = "enrich"
    kind = "reference"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if Schedule(context).anything_due(transaction, now) else []

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        return rechecks.due_rows(now, night=Schedule(context).is_night(now))

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease a batch of PMIDs, or of works and their service ("esearch doi:10.1000/x").

        Waits a moment for the batch and its permit.
        """
        batch = next_batch(context)
        if batch is None:
            return []
        return [Claim(batch.token, batch.keys)]

    def do(self, context: Context, claim: Claim) -> bool:
        """Ask for the batch. Articles whose references are all answered are rendered at once, the others soon."""
        service, works = _asked(claim)
        try:
            with _traced(context, claim, service, works):
                if service == MATCHER:
                    meant.look_for(context, claim)
                elif service == PUBMED:
                    _answered(context, claim, context.pubmed.fetch(claim.keys))
                else:
                    _identified(context, claim, works, ask(context, service, works))
        except TransientError as error:
            facts = {"code": error.code, "error": str(error)}
            if service == PUBMED:
                _log.warning("pubmed did not answer", **facts, asked_for=len(claim.keys))
            else:
                _log.warning("a source did not answer", source=service, **facts)
            self.failed(context, claim, error)
            return False
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Ask again after a pause that grows with every failure in a row."""
        service, works = _asked(claim)
        if service == MATCHER:
            meant.failed(context, claim, error, now=context.clock())
            return
        schedule, token = Schedule(context), claim.token
        text = f"{code_of(error)}: {error}"
        with context.ledger.write() as transaction:
            now = context.clock()
            due = schedule.failed(transaction, service, error, token=token, now=now)
            if service == PUBMED:
                evidence.put_off(transaction, claim.keys, token=token, due=due, error=text)
            else:
                chain = services(context)
                identifiers.put_off(transaction, works, service, chain, token=token, now=now, due=due, error=text)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: batches are claimed one at a time, and always requested."""


def _asked(claim: Claim) -> tuple[str, list[CitedWork]]:
    """Return the service that a batch is for, and the works in it; none for PMIDs and mismatches."""
    service, space, _ = claim.keys[0].partition(" ")
    if not space:
        return PUBMED, []
    keys = (key.partition(" ")[2] for key in claim.keys)
    return service, [] if service == MATCHER else [work for key in keys if (work := identifiers.parsed(key))]


def _traced(context: Context, claim: Claim, service: str, works: Sequence[CitedWork]) -> AbstractContextManager[object]:
    """Begin the span of a request, which is linked with the traces of the articles that wait for its answer."""
    found: Collection[str] = ()
    if context.tracing.is_on and service != MATCHER:
        with context.ledger.read() as transaction:
            pmids = claim.keys if service == PUBMED else ()
            citing = {*evidence.citing(transaction, pmids), *identifiers.citing(transaction, works)}
            found = traces.of_articles(transaction, citing).values()
    facts: dict[str, Fact] = {"citewire.source": service, "citewire.asked_for": len(claim.keys)}
    return batch(context.tracing, "enrich", found, kind="client", facts=facts)


def _identified(context: Context, claim: Claim, works: Sequence[CitedWork], answer: Answer) -> None:
    now, schedule, (service, _) = context.clock(), Schedule(context), _asked(claim)
    answered = answer.pmids.keys() | answer.records.keys() | answer.unknown
    left_out = [work for work in works if work not in answered]
    by, soon, error = schedule.answer_of(service, now), schedule.left_out(now), "left out of an answer"
    with context.ledger.write() as transaction:
        put_off = {"token": claim.token, "now": now, "due": soon, "error": error}
        identifiers.put_off(transaction, left_out, service, by.chain, **put_off)  # type: ignore[arg-type]
        changed = evidence.identified(transaction, by, answer.pmids, answer.records, answer.unknown)
        merged = merging.record(transaction, answer.pmids)
        citing = {*identifiers.citing(transaction, changed), *evidence.citing(transaction, list(merged))}
        citing.update(_learned(transaction, schedule, answer, now))
        complete = make_due(context, transaction, sorted(citing), now)
        schedule.answered(
            transaction, service, token=claim.token, counted=now, limit=answer.rate_limit, spacing=answer.spacing
        )
    for pmid, into in merged.items():
        _log.warning("pubmed merged a record into another", pmid=pmid, into=into)
    found = len(answer.pmids) + len(answer.records)
    _log.info("looked up by identifier", source=service, found=found, unknown=len(answer.unknown))
    context.doorbell.ring("render" if complete else "enrich")


def _learned(transaction: Transaction, schedule: Schedule, answer: Answer, now: dt.datetime) -> list[str]:
    """Store PubMed's records that came with an answer; return the articles that cite those with news."""
    if not answer.of_pubmed:
        return []
    next_look = schedule.next_nightly_check(now)
    changes = evidence.answered(transaction, answer.of_pubmed, (), denied=schedule.denied(now), next_look=next_look)
    watch.record_changes(transaction, changes, now=now)
    return evidence.citing(transaction, [change.pmid for change in changes])


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
        denied=schedule.denied(now, suspect=_is_suspect(transaction, fetched)),
        next_look=schedule.next_nightly_check(now),
    )
    watch.record_changes(transaction, changes, now=now)
    citing = evidence.citing(transaction, [change.pmid for change in changes])
    complete = make_due(context, transaction, citing, now)
    counted = fetched.counted or now
    schedule.answered(transaction, "pubmed", token=claim.token, counted=counted, limit=fetched.rate_limit)
    return complete


def _is_suspect(transaction: Transaction, fetched: Fetched) -> bool:
    """Return whether an answer lacks so many records that PubMed itself is probably at fault."""
    lacking = denials.unexpected(transaction, fetched.unknown)
    is_suspect = lacking >= _MANY and lacking > len(fetched.resolved)
    if is_suspect:
        _log.warning("pubmed left out unusually many records", left_out=lacking, resolved=len(fetched.resolved))
    return is_suspect


def _postpone_unanswered(
    transaction: Transaction, claim: Claim, fetched: Fetched, schedule: Schedule, now: dt.datetime
) -> None:
    left_out = set(claim.keys) - set(fetched.resolved) - fetched.unknown - set(fetched.broken)
    soon = schedule.left_out(now)
    evidence.put_off(transaction, left_out, token=claim.token, due=soon, error="left out of an answer")
    for pmid, error in fetched.broken.items():
        text = f"{error.code}: {error}"
        evidence.put_off(transaction, [pmid], token=claim.token, due=now + _UNREADABLE, error=text)
