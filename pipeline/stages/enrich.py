"""enrich: PMIDs → references, in batches that all articles share.

One request at a time for the whole site, spaced as NCBI asks: the lease `pubmed` is at once the rate limit of every
process on every machine and the place where a PubMed that does not answer is waited for. A failure teaches nothing
about any reference: what was pending stays pending.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import structlog

from pipeline.errors import CitewireError, TransientError
from pipeline.ledger import articles, evidence, leases
from pipeline.references.eutils import Fetched
from pipeline.stages.context import LEASE, Context, Stage
from pipeline.stages.work import Claim

name: Stage = "enrich"

_LEASE = "pubmed"
_log = structlog.get_logger()


def claim(context: Context, key: str) -> list[Claim]:
    """One batch of PMIDs, if it is our turn to ask."""
    now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
    with context.ledger.write() as transaction:
        if not leases.acquire(transaction, _LEASE, token=token, now=now, seconds=policy.enrich_lease):
            return []
        pmids = evidence.claim_due(
            transaction, token=token, now=now, seconds=policy.enrich_lease, limit=policy.pubmed_batch
        )
        if not pmids:
            leases.release(transaction, _LEASE, token=token)
            return []
    return [Claim(token, tuple(pmids))]


def do(context: Context, claim: Claim) -> bool:
    """Ask for the batch. Articles that are whole now are due to be rendered; the others soon."""
    try:
        fetched = context.pubmed.fetch(claim.keys)
    except TransientError as error:
        _log.warning("pubmed did not answer", code=error.code, error=str(error), pmids=len(claim.keys))
        failed(context, claim, error)
        return False
    _answered(context, claim, fetched)
    _log.info("enriched", resolved=len(fetched.resolved), unknown=len(fetched.unknown))
    return True


def failed(context: Context, claim: Claim, error: Exception) -> None:
    """Ask again after a pause that grows with every failure in a row."""
    now, policy = context.clock(), context.policy
    asked_for = error.retry_after if isinstance(error, TransientError) else None
    code = error.code if isinstance(error, CitewireError) else type(error).__name__
    with context.ledger.write() as transaction:
        failures = leases.failures(transaction, _LEASE)
        step = policy.pubmed_backoff[min(failures, len(policy.pubmed_backoff) - 1)]
        due = now + dt.timedelta(seconds=max(step, asked_for or 0))
        evidence.put_off(transaction, claim.keys, token=claim.token, due=due, error=f"{code}: {error}")
        leases.release(transaction, _LEASE, token=claim.token, not_before=due, failed=True)


def release(context: Context, claims: Sequence[Claim]) -> None:
    """A batch is never left undone: there is only ever one."""


def _answered(context: Context, claim: Claim, fetched: Fetched) -> None:
    now, policy = context.clock(), context.policy
    next_turn = now + dt.timedelta(seconds=policy.pubmed_interval)
    left_out = set(claim.keys) - set(fetched.resolved) - fetched.unknown
    with context.ledger.write() as transaction:
        evidence.put_off(transaction, left_out, token=claim.token, due=next_turn, error="left out of an answer")
        again = now + dt.timedelta(seconds=policy.unknown_recheck)
        changed = evidence.answered(transaction, fetched.resolved, fetched.unknown, now=now, ask_again=again)
        waiting: list[str] = []
        whole: list[str] = []
        for article in evidence.citing(transaction, changed):
            cited = evidence.cited_by(transaction, article)
            (waiting if evidence.any_pending(transaction, cited) else whole).append(article)
        articles.make_due(transaction, whole, due=now)
        articles.make_due(transaction, waiting, due=now + dt.timedelta(seconds=policy.evidence_wait))
        leases.release(transaction, _LEASE, token=claim.token, not_before=next_turn, failed=False)
    if whole:
        context.doorbell.ring("render")
