"""Read back what a channel shows, at the channel itself or at its public address."""

from __future__ import annotations

import datetime as dt

from pipeline.channels import Channel, ReadableChannel
from pipeline.ledger.deliveries import Delivery
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver.parcels import withdrawal_parcel


def can_be_read(channel: Channel, plan: ChannelPlan) -> bool:
    return plan.proof_check is not None or isinstance(channel, ReadableChannel)


def still_shown(context: Context, channel: Channel, plan: ChannelPlan, row: Delivery, at: dt.datetime) -> str | None:
    """Return where a withdrawn article can still be read, or None. Raises CitewireError if it cannot be found out."""
    shown = channel.shows(withdrawal_parcel(context, row, at)) if isinstance(channel, ReadableChannel) else None
    if shown is None and plan.proof_check is not None:
        return plan.proof_check(row.article)
    return shown
