"""deliver: bring each channel to the newest revision, a batch at a time, withdrawals first.

    claim             some of the channel's rows, unless it rests, waits, or has batches enough under way
    begin             which of them are ours still, and what is wanted now: read once for the batch
    send              over one opened channel; every half second settle what is done and look again at the rest
    settle            taken: held. Not now: due later. Refused: abandoned; but a withdrawal goes on daily

A channel that fails several times in a row rests (circuit.py). As long as a withdrawal is owed, nothing else goes to
its channel. A worker that is killed has sent at most what it had not settled; that is sent again, under the same ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.deliveries import channels, sending
from pipeline.ledger.deliveries.channels import Health
from pipeline.ledger.partners import pulls
from pipeline.stages.context import LEASE, ChannelPlan, Context
from pipeline.stages.deliver import circuit
from pipeline.stages.deliver.batch import AHEAD, Batch, Line, Sending
from pipeline.stages.stage import Bell, Claim, Stage, drain
from pipeline.timing import unforeseen


def _claim(context: Context, key: str) -> list[Claim]:
    """Rows that channel `key` is owed: one while it is in doubt, none while it rests."""
    plan = context.channels.get(key)
    if plan is None:
        return []
    if plan.pulled:
        with context.ledger.write() as transaction:
            pulls.offer(transaction, key, now=context.clock())
        return []
    now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
    with context.ledger.write() as transaction:
        health = channels.health(transaction, key, lock=True)
        if health.rests(now):
            return []
        if health.disabled is not None:
            deliveries.abandon_all(transaction, key, error="the channel is disabled: " + str(health.reason), now=now)
        urgent = deliveries.holding_up(transaction, key)
        if not urgent and health.next_batch is not None and health.next_batch > now:
            return []
        most = circuit.batches(health, plan.parallel or policy.deliver_parallel, now)
        under_way = sending.in_flight(transaction, key, now=now)
        slot = max(health.next_send or now, now) if plan.rate else None
        if under_way >= most or (slot is not None and (slot - now).total_seconds() > AHEAD):
            return []
        limit = _limit(context, plan, health)
        waits = plan.after_feeds and sending.feeds_are_stale(transaction)
        ids = sending.claim(
            transaction,
            key,
            token=token,
            now=now,
            seconds=policy.deliver_lease,
            limit=limit,
            urgent=urgent,
            waited=policy.feeds_wait if waits else 0.0,
        )
        if not ids:
            return []
        if slot is not None and plan.rate:
            channels.reserve(transaction, key, next_send=slot + dt.timedelta(seconds=len(ids) / plan.rate))
        if plan.every and not urgent:
            channels.reserve(transaction, key, next_batch=now + dt.timedelta(seconds=plan.every))
    more = len(ids) == limit and under_way + 1 < most
    return [Batch(token=token, keys=tuple(ids), channel=key, slot=slot, more=more)]


def _limit(context: Context, plan: ChannelPlan, health: Health) -> int:
    if health.failures >= circuit.OPENS_AFTER:
        return 1
    limit = context.policy.deliver_together if plan.every else context.policy.deliver_batch
    return min(limit, max(int(plan.rate * AHEAD), 1)) if plan.rate else limit


class Deliver(Stage):
    name = "deliver"
    worker = "deliver"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        urgent = channels.with_due_deliveries(transaction, context.channels, withdrawals=True, now=now)
        others = channels.with_due_deliveries(transaction, context.channels, withdrawals=False, now=now)
        return [Bell(channel, urgent=True) for channel in urgent] + [Bell(channel) for channel in others]

    def oldest_due(self, context: Context, transaction: Transaction, now: dt.datetime) -> dt.datetime | None:
        return channels.oldest_due(transaction, context.channels)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease what channel `key` is to be sent: one delivery while the channel is in doubt, none while it rests."""
        return _claim(context, key)

    def do(self, context: Context, claim: Claim) -> bool:
        """Send a batch over a channel opened for it. Return False to leave the rest for later."""
        assert isinstance(claim, Batch)
        with Line(context.channels[claim.channel]) as line:
            return Sending(context, claim, line).run()

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Postpone what was not settled."""
        due = context.clock() + dt.timedelta(seconds=unforeseen(1))
        text = f"{type(error).__name__}: {error}"
        with context.ledger.write() as transaction:
            sending.put_off(transaction, token=claim.token, ids=claim.keys, due=due, error=text)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        if claims:
            with context.ledger.write() as transaction:
                sending.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)

    def drain(self, context: Context, key: str = "") -> int:
        """Send what channel `key` is to be sent, over one opened channel. Return the number of batches."""
        if key not in context.channels:
            return 0
        with Line(context.channels[key]) as line:
            return drain(context, _OverOneChannel(line), key)


class _OverOneChannel(Deliver):
    """The stage, over a channel that stays open from one batch to the next."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._rang = False

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Rings once for another thread where there is more than this one can claim, and the channel takes more."""
        claims = super().claim(context, key)
        if not self._rang and any(isinstance(one, Batch) and one.more for one in claims):
            context.doorbell.ring("deliver", key)
            self._rang = True
        return claims

    def do(self, context: Context, claim: Claim) -> bool:
        assert isinstance(claim, Batch)
        return Sending(context, claim, self._line).run()
