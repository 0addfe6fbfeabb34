"""prove: look for a withdrawn article at each channel that accepted the withdrawal, until it is gone.

A channel that can be read back is queried directly; a public address must answer 404 or 410, twice and minutes apart,
because a server answers 404 during a deployment too. The search never ends until the article is gone: it is repeated
within seconds at first, and every hour later on. A channel that does not answer proves nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import structlog

from pipeline.errors import CitewireError
from pipeline.ledger import Transaction
from pipeline.ledger.claims import DueRows
from pipeline.ledger.deliveries import Delivery, channels, proofs
from pipeline.ledger.deliveries.proofs import Proof
from pipeline.stages.context import LEASE, Context
from pipeline.stages.deliver.reading_back import still_shown
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import PROOF, repeating

_WORKERS = 2  # concurrent, so that a hanging channel cannot take more threads from deliveries
_CONFIRM = 120.0  # seconds from a first look that finds nothing to the second
_BATCH = 5  # processed one by one; the lease allows for the full time of each

_log = structlog.get_logger()


class Prove(Stage):
    name = "prove"
    kind = "delivery"
    worker = "deliver"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if proofs.any_due(transaction, now=now) else []

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        return proofs.due_rows(now)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        now, token = context.clock(), context.new_id(LEASE)
        with context.ledger.write() as transaction:
            if proofs.workers_busy(transaction, now=now) >= _WORKERS:
                return []
            resting = channels.resting(transaction, now)
            ids = proofs.claim_due(
                transaction,
                [channel for channel in context.channels_now(transaction) if channel not in resting],
                token=token,
                now=now,
                seconds=context.policy.deliver_lease * _BATCH,
                limit=_BATCH,
            )
        return [Claim(token, (delivery_id,)) for delivery_id in ids]

    def do(self, context: Context, claim: Claim) -> bool:
        (delivery_id,) = claim.keys
        with context.ledger.read() as transaction:
            channels_now = context.channels_now(transaction)
            found = proofs.claimed(transaction, delivery_id, token=claim.token)
        if found is None or found[1].channel not in channels_now:
            return True
        proof, row = found
        if row.delivered_revision != proof.revision:
            with context.ledger.write() as transaction:
                proofs.drop(transaction, delivery_id, token=claim.token)
            return True
        shown, error = None, None
        try:
            shown = _shown(context, row, proof)
        except CitewireError as problem:
            error = f"{problem.code}: {problem}"
        once = context.channels[row.channel].proof_check is None or _was_gone(proof)
        _settle(context, claim, proof, shown, error, enough=once)
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        with context.ledger.read() as transaction:
            found = proofs.claimed(transaction, claim.keys[0], token=claim.token)
        if found is not None:
            _settle(context, claim, found[0], None, f"{type(error).__name__}: {error}")

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        if claims:
            with context.ledger.write() as transaction:
                proofs.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)


def _shown(context: Context, row: Delivery, proof: Proof) -> str | None:
    """Return where the article can still be read, at the channel itself or at its public address, or None."""
    plan = context.channels[row.channel]
    channel = plan.open()
    try:
        return still_shown(context, channel, plan, row, proof.withdrawn)
    finally:
        channel.close()


def _was_gone(proof: Proof) -> bool:
    """Return whether the last look found nothing."""
    return proof.checked is not None and proof.shown is None and proof.error is None


def _settle(
    context: Context, claim: Claim, proof: Proof, shown: str | None, error: str | None, *, enough: bool = False
) -> None:
    """Record a look. `enough`: if it has found nothing, no other is needed."""
    now = context.clock()
    gone = shown is None and error is None
    proved = gone and enough
    wait = _CONFIRM if gone else repeating(PROOF, proof.attempts)
    with context.ledger.write() as transaction:
        proofs.settle(
            transaction,
            proof.delivery,
            token=claim.token,
            now=now,
            again=None if proved else now + dt.timedelta(seconds=wait),
            shown=shown,
            error=error,
        )
    facts = {"channel": proof.channel, "article": proof.article, "revision": proof.revision}
    if proved:
        _log.info("withdrawal proved", seconds=round((now - proof.withdrawn).total_seconds(), 1), **facts)
    elif not gone and proof.attempts in (3, len(PROOF)):
        _log.warning("withdrawn article still shown", shown=shown, error=error, **facts)
