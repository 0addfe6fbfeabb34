"""The channel that an address names, for the API and the console."""

from __future__ import annotations

from pipeline.ledger import Transaction
from pipeline.stages.context import ChannelPlan, Context
from pipeline.web.problems import Problem


def check_channel(context: Context, transaction: Transaction, channel: str) -> None:
    """Raise Problem 404 unless there is such a channel."""
    if channel not in context.channels_now(transaction):
        raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")


def known_channel(context: Context, channel: str) -> ChannelPlan:
    """Return the channel as it is in force now. Raises Problem as `check_channel`."""
    with context.ledger.read() as transaction:
        check_channel(context, transaction, channel)
        return context.channels_now(transaction)[channel]
