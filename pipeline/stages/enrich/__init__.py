"""enrich: PMIDs → references, in batches that all articles share; DOIs and PMCIDs → PMIDs on the way there.

NCBI's rate is kept for the whole site, by permits in the ledger (pipeline.ledger.evidence.turns); there, too, a
service that does not answer is waited for. A failure teaches nothing about any reference: what was pending stays
pending.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence

import structlog

from pipeline.errors import CitewireError, TransientError
from pipeline.ledger import Transaction, articles, evidence, leases
from pipeline.ledger.evidence import identifiers, rechecks, turns
from pipeline.ledger.evidence.turns import Service
from pipeline.model.article import CitedWork
from pipeline.references.idconv import Converted
from pipeline.references.pubmed.eutils import Fetched
from pipeline.stages.context import Context
from pipeline.stages.enrich import watch
from pipeline.stages.enrich.gather import next_batch
from pipeline.stages.stage import Bell, Claim, Stage

_BROKEN = 3600.0  # seconds that a record which breaks its answer is left alone: finding it costs many requests

_log = structlog.get_logger()


class Enrich(Stage):
    name = "enrich"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        night = watch.may_recheck(context, now=now)
        found = rechecks.any_due(transaction, now=now, night=night) or identifiers.any_due(transaction, now=now)
        return [Bell()] if found else []

    def oldest_due(self, context: Context, transaction: Transaction, now: dt.datetime) -> dt.datetime | None:
        return rechecks.oldest_due(transaction, night=watch.may_recheck(context, now=now))

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """One batch, of PMIDs or of works ("doi:10.1000/x"), when it is our turn to ask; waits for that a moment."""
        batch = next_batch(context)
        if batch is None:
            return []
        return [Claim(batch.token, batch.pmids or tuple(f"{work.scheme}:{work.value}" for work in batch.works))]

    def do(self, context: Context, claim: Claim) -> bool:
        """Ask for the batch. Articles that are whole now are due to be rendered; the others soon."""
        works = _works(claim)
        try:
            if works:
                _converted(context, claim, works, _convert(context, works))
            else:
                _answered(context, claim, context.pubmed.fetch(claim.keys))
        except TransientError as error:
            told = {"code": error.code, "error": str(error), "asked_for": len(claim.keys)}
            if works:
                _log.warning("the ID converter did not answer", **told)
            else:
                _log.warning("pubmed did not answer", **told)
            self.failed(context, claim, error)
            return False
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Ask again after a pause that grows with every failure in a row."""
        now, policy, works = context.clock(), context.policy, _works(claim)
        service: Service = "idconv" if works else "pubmed"
        asked_for = error.retry_after if isinstance(error, TransientError) else None
        code = error.code if isinstance(error, CitewireError) else type(error).__name__
        with context.ledger.write() as transaction:
            failures = leases.failures(transaction, service)
            step = policy.pubmed_backoff[min(failures, len(policy.pubmed_backoff) - 1)]
            due = now + dt.timedelta(seconds=max(step, asked_for or 0))
            if works:
                identifiers.put_off(transaction, works, token=claim.token, due=due, error=f"{code}: {error}")
            else:
                evidence.put_off(transaction, claim.keys, token=claim.token, due=due, error=f"{code}: {error}")
            refused = policy.pubmed_rate if code == "rate-limited" else None
            turns.failed(transaction, service, token=claim.token, now=now, not_before=due, refused_rate=refused)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """A batch is never left undone: a claim is one."""


def _works(claim: Claim) -> list[CitedWork]:
    """What is to be converted; nothing where the batch is one of PMIDs."""
    parts = [key.partition(":") for key in claim.keys]
    return [CitedWork("doi" if scheme == "doi" else "pmcid", value) for scheme, colon, value in parts if colon]


def _convert(context: Context, works: Sequence[CitedWork]) -> Converted:
    if context.converter is None:
        return Converted({}, frozenset(works))
    return context.converter.convert(works)


def _converted(context: Context, claim: Claim, works: Sequence[CitedWork], found: Converted) -> None:
    now, policy = context.clock(), context.policy
    left_out = [work for work in works if work not in found.pmids and work not in found.unknown]
    with context.ledger.write() as transaction:
        soon = now + dt.timedelta(seconds=policy.pubmed_backoff[0])
        identifiers.put_off(transaction, left_out, token=claim.token, due=soon, error="left out of an answer")
        again = now + dt.timedelta(seconds=policy.unknown_recheck)
        news = evidence.converted(transaction, found.pmids, found.unknown, now=now, ask_again=again)
        whole = _make_due(context, transaction, identifiers.citing(transaction, news), now)
        turns.answered(
            transaction, "idconv", token=claim.token, counted=now, rate=policy.pubmed_rate, limit=found.rate_limit
        )
    _log.info("converted", resolved=len(found.pmids), unknown=len(found.unknown))
    context.doorbell.ring("render" if whole else "enrich")


def _answered(context: Context, claim: Claim, fetched: Fetched) -> None:
    now, policy = context.clock(), context.policy
    left_out = set(claim.keys) - set(fetched.resolved) - fetched.unknown - set(fetched.broken)
    with context.ledger.write() as transaction:
        soon, later = (now + dt.timedelta(seconds=pause) for pause in (policy.pubmed_backoff[0], _BROKEN))
        evidence.put_off(transaction, left_out, token=claim.token, due=soon, error="left out of an answer")
        for pmid, error in fetched.broken.items():
            evidence.put_off(transaction, [pmid], token=claim.token, due=later, error=f"{error.code}: {error}")
        changes = evidence.answered(
            transaction,
            fetched.resolved,
            fetched.unknown,
            now=now,
            ask_again=now + dt.timedelta(seconds=policy.unknown_recheck),
            next_look=watch.next_look(context, now=now),
        )
        watch.noticed(context, transaction, changes, now=now)
        citing = evidence.citing(transaction, [change.pmid for change in changes])
        whole = _make_due(context, transaction, citing, now)
        turns.answered(
            transaction,
            "pubmed",
            token=claim.token,
            counted=fetched.counted or now,
            rate=policy.pubmed_rate,
            limit=fetched.rate_limit,
        )
    _log.info("enriched", resolved=len(fetched.resolved), unknown=len(fetched.unknown))
    for pmid, error in fetched.broken.items():
        _log.warning("pubmed's record cannot be read", pmid=pmid, error=str(error))
    if whole:
        context.doorbell.ring("render")


def _make_due(context: Context, transaction: Transaction, article_ids: Collection[str], now: dt.datetime) -> list[str]:
    """Have these articles rendered: at once those of whose references none is unanswered, which are returned."""
    waiting = evidence.waiting(transaction, article_ids)
    whole = [article for article in article_ids if article not in waiting]
    articles.make_due(transaction, whole, due=now)
    articles.make_due(transaction, sorted(waiting), due=now + dt.timedelta(seconds=context.policy.evidence_wait))
    return whole
