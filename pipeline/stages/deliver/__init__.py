"""deliver: bring each channel to the newest revision, a batch at a time, withdrawals first.

    claim     lease some of the channel's rows, unless it rests, waits or has enough batches in flight (admission.py)
    begin     load what is to be sent, once for the whole batch, and leave out rows whose lease was lost
    send      over one connection; every half second settle what is done and check the rest again
    settle    accepted: delivered. Failed or refused: due later. Gone, or used up: abandoned

Channels that are well and have little due are sent to in rounds instead, one delivery to each (in_rounds.py).

A channel that fails several times in a row rests (circuit.py). While a withdrawal is outstanding, nothing else is sent
to its channel. What a killed worker had sent and not settled is sent again, with the same message ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.claims import DueRows
from pipeline.ledger.deliveries import channels, sending
from pipeline.ledger.partners import pulls
from pipeline.stages.bells import EVERY, WITHDRAWALS
from pipeline.stages.context import LEASE, ChannelPlan, Context
from pipeline.stages.deliver.admission import Load, decide, reservations
from pipeline.stages.deliver.batch import Batch, ChannelConnection, Sending
from pipeline.stages.deliver.in_rounds import Rounds, split
from pipeline.stages.ids import Ids
from pipeline.stages.stage import Bell, Claim, Stage, drain
from pipeline.stages.working import Work
from pipeline.timing import unforeseen

_LATER = 5  # deliveries that may wait, in a batch of a channel that does not gather them


def _claim(context: Context, transaction: Transaction, plan: ChannelPlan) -> list[Claim]:
    now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
    health = channels.health(transaction, plan.id, lock=True)
    if health.disabled is not None:
        deliveries.abandon_all(transaction, plan.id, error=f"the channel is disabled: {health.reason}", now=now)
    load = Load(
        in_flight=sending.in_flight(transaction, plan.id, now=now),
        urgent=deliveries.is_blocked(transaction, plan.id),
        feeds_stale=plan.wait_for_feeds and sending.feeds_are_stale(transaction),
    )
    allowed = decide(health, plan, policy, load, now)
    if allowed is None:
        return []
    ids = sending.claim(
        transaction,
        plan.id,
        token=token,
        now=now,
        seconds=policy.deliver_lease,
        limit=allowed.limit,
        urgent=load.urgent,
        waited=allowed.waited,
        later=allowed.limit if plan.every else _LATER,
    )
    if not ids:
        return []
    next_send, next_batch = reservations(allowed, plan, load, len(ids), now)
    channels.reserve(transaction, plan.id, next_send=next_send, next_batch=next_batch)
    more = allowed.another and len(ids) == allowed.limit
    return [Batch(token=token, keys=tuple(ids), channel=plan.id, slot=allowed.slot, more=more)]


class Deliver(Stage):
    name = "deliver"
    kind = "delivery"
    worker = "deliver"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        known = context.channels_now(transaction)
        found = [one for one in channels.with_due_deliveries(transaction, now) if one.id in known]
        divided = split(transaction, known, found, now)
        together, others = divided.joining, divided.others
        if len(together) < 2:
            together, others = [], found
        return [
            *([Bell(WITHDRAWALS, urgent=True)] if any(one.withdrawals for one in together) else []),
            *(Bell(one.id, urgent=True) for one in others if one.withdrawals),
            *([Bell(EVERY)] if any(one.others for one in together) else []),
            *(Bell(one.id) for one in others if one.others),
        ]

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        return channels.due_rows(context.channels, now)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease a batch of outstanding deliveries for channel `key`, or nothing if none may be sent now."""
        with context.ledger.write() as transaction:
            plan = context.channels_now(transaction).get(key)
            if plan is None or not self._sends_to(plan):
                return []
            if not plan.is_pull:
                return _claim(context, transaction, plan)
            pulls.mark_available(transaction, key, now=context.clock())
            return []

    def _sends_to(self, plan: ChannelPlan) -> bool:
        return True

    def do(self, context: Context, claim: Claim) -> bool:
        """Send a batch over a channel opened for it. Return False to leave the rest for later."""
        assert isinstance(claim, Batch)
        with ChannelConnection(context.channels[claim.channel]) as connection:
            return Sending(context, claim, connection).run()

    def ids(self, claim: Claim) -> Ids:
        return super().ids(claim) if not isinstance(claim, Batch) else {"channel": claim.channel, **super().ids(claim)}

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Postpone what was not settled."""
        due = context.clock() + dt.timedelta(seconds=unforeseen(1))
        text = f"{type(error).__name__}: {error}"
        with context.ledger.write() as transaction:
            sending.put_off(transaction, token=claim.token, ids=claim.keys, due=due, error=text)

    def over(self, context: Context, work: Work) -> None:
        """Leave the rows leased: whoever takes them up counts the attempt as interrupted, and gives up after a few."""

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        if claims:
            with context.ledger.write() as transaction:
                sending.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)

    def drain(self, context: Context, key: str = "") -> int:
        """Send everything due for channel `key` over one open channel. Return the number of batches.

        With the key of all channels, send in rounds to those that are well, and ring for the others.
        """
        if key in (EVERY, WITHDRAWALS):
            return Rounds(context, withdrawals=key == WITHDRAWALS).run()
        with context.ledger.read() as transaction:
            plan = context.channels_now(transaction).get(key)
        if plan is None:
            return 0
        with ChannelConnection(plan) as connection:
            return drain(context, _OverOneChannel(connection), key)


class _OverOneChannel(Deliver):
    """The stage, over a channel that stays open from one batch to the next."""

    def __init__(self, connection: ChannelConnection) -> None:
        self._connection = connection
        self._rang = False

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Claim as `Deliver`, and ring once for another thread if there is more work and the channel allows it."""
        claims = super().claim(context, key)
        if not self._rang and any(isinstance(one, Batch) and one.more for one in claims):
            context.doorbell.ring("deliver", key)
            self._rang = True
        return claims

    def _sends_to(self, plan: ChannelPlan) -> bool:
        """Return whether the open channel still is the one in force: the channel may have moved since."""
        return plan is self._connection.plan

    def do(self, context: Context, claim: Claim) -> bool:
        assert isinstance(claim, Batch)
        return Sending(context, claim, self._connection).run()
