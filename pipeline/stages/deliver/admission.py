"""Decide whether a channel may be sent a batch now, and how large. Pure: everything it depends on is an argument."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from pipeline.ledger.deliveries.channels import Health
from pipeline.stages.context import ChannelPlan, Policy
from pipeline.stages.deliver import circuit

AHEAD = 1.0  # seconds that a batch to a rate-limited channel takes, and how early it may be claimed


class Load(Struct, frozen=True, kw_only=True):
    """The channel's current load."""

    in_flight: int  # batches that are being sent
    urgent: bool = False  # a withdrawal is outstanding, and goes before everything else
    feeds_stale: bool = False  # feeds that the channel announces have not been built yet


class Allowed(Struct, frozen=True, kw_only=True):
    """A batch that may be claimed."""

    limit: int  # deliveries
    slot: dt.datetime | None  # when the first may be sent, at a channel with a rate
    waited: float  # seconds that a delivery must have been due, because feeds have not been built yet
    another: bool  # another batch may be sent concurrently


def decide(health: Health, plan: ChannelPlan, policy: Policy, load: Load, now: dt.datetime) -> Allowed | None:
    """Return the batch that may be claimed, or None while the channel rests, waits or has enough in flight."""
    most = circuit.batches(health, plan.parallel or policy.deliver_parallel, now)
    if health.rests(now) or load.in_flight >= most:
        return None
    if not load.urgent and health.next_batch is not None and health.next_batch > now:
        return None
    slot = max(health.next_send or now, now) if plan.rate else None
    if slot is not None and (slot - now).total_seconds() > AHEAD:
        return None
    return Allowed(
        limit=_limit(health, plan, policy),
        slot=slot,
        waited=policy.feeds_wait if load.feeds_stale else 0.0,
        another=load.in_flight + 1 < most,
    )


def reservations(
    allowed: Allowed, plan: ChannelPlan, load: Load, count: int, now: dt.datetime
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return the times before which nothing more may be sent, and no batch begun, once `count` deliveries go out."""
    next_send = allowed.slot + dt.timedelta(seconds=count / plan.rate) if allowed.slot and plan.rate else None
    next_batch = now + dt.timedelta(seconds=plan.every) if plan.every and not load.urgent else None
    return next_send, next_batch


def _limit(health: Health, plan: ChannelPlan, policy: Policy) -> int:
    """Return one while the channel is in doubt, what its rate allows within AHEAD, or else a whole batch."""
    if health.failures >= circuit.OPENS_AFTER:
        return 1
    limit = policy.deliver_together if plan.every else policy.deliver_batch
    return min(limit, max(int(plan.rate * AHEAD), 1)) if plan.rate else limit
