"""Doorbells for deliveries: one for all channels that rounds may send to, and one for each of the others."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.stages.context import ChannelPlan, Context

EVERY, WITHDRAWALS = "", ":withdrawals"  # in place of a channel's id, which can be neither


def can_join(plan: ChannelPlan) -> bool:
    """Return whether rounds may send to the channel."""
    paced = plan.rate is not None or plan.every or plan.wait_for_feeds
    return plan.singly and not plan.is_pull and not paced


def ring_for_channels(context: Context, channel_ids: Collection[str], *, urgent: bool) -> None:
    """Ring once for those channels that rounds may send to, if they are several, and for each of the others."""
    together = {one for one in channel_ids if one in context.channels and can_join(context.channels[one])}
    if len(together) < 2:
        together = set()
    if together:
        context.doorbell.ring("deliver", WITHDRAWALS if urgent else EVERY, urgent=urgent)
    for one in channel_ids:
        if one not in together:
            context.doorbell.ring("deliver", one, urgent=urgent)
