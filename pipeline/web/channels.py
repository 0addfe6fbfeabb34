"""The channel that an address names, for the API and the console."""

from __future__ import annotations

from pipeline.ledger import Transaction
from pipeline.stages.context import Context
from pipeline.web.problems import Problem


def check_channel(context: Context, transaction: Transaction, channel: str) -> None:
    """Raise Problem 404 unless there is such a channel."""
    if channel not in context.channels_now(transaction):
        raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
