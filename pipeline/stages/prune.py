"""prune: once an hour, delete old attempts and the hub's subscriptions that have expired.

The contents of each channel, the last attempt at each delivery, and every revision are kept. A lease in the ledger
enforces the hour: after a run it cannot be taken for an hour, whatever the number of processes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline.ledger import Transaction, leases
from pipeline.ledger.deliveries import attempts
from pipeline.ledger.hub import subscriptions
from pipeline.stages.context import LEASE, Context
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen

KEPT = dt.timedelta(days=90)  # attempts
EVERY = dt.timedelta(hours=1)
_LEASE = 300.0  # seconds after which a run that was killed is repeated
_NAME = "prune"


class Prune(Stage):
    name = _NAME

    @property
    def queue(self) -> str:
        return "keep"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if leases.is_free(transaction, _NAME, now=now) else []

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        token = context.new_id(LEASE)
        with context.ledger.write() as transaction:
            taken = leases.acquire(transaction, _NAME, token=token, now=context.clock(), seconds=_LEASE)
        return [Claim(token, (_NAME,))] if taken else []

    def do(self, context: Context, claim: Claim) -> bool:
        prune(context, older_than=KEPT)
        self._rest(context, claim, EVERY, failed=False)
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        with context.ledger.read() as transaction:
            failures = leases.failures(transaction, _NAME)
        self._rest(context, claim, dt.timedelta(seconds=unforeseen(failures)), failed=True)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: there is at most one claim, and it is processed."""

    def _rest(self, context: Context, claim: Claim, pause: dt.timedelta, *, failed: bool) -> None:
        until = context.clock() + pause
        with context.ledger.write() as transaction:
            leases.release(transaction, _NAME, token=claim.token, not_before=until, failed=failed)


def prune(context: Context, *, older_than: dt.timedelta, batch: int = 2_000) -> int:
    """Delete attempts older than this, a batch per transaction so that other writers do not wait; return how many."""
    before = context.clock() - older_than
    with context.ledger.write() as transaction:
        subscriptions.forget_expired(transaction, now=context.clock())
    deleted, after = 0, 0
    while True:
        with context.ledger.write() as transaction:
            count, last = attempts.forget(transaction, before=before, after=after, limit=batch)
        deleted += count
        if last is None:
            return deleted
        after = last
