"""The state of a channel in words that cannot be misread. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pipeline.model.moment import rfc3339

if TYPE_CHECKING:
    from pipeline.views.system import ChannelHealth


def state(channel: ChannelHealth, now: dt.datetime) -> str:
    """Return "healthy", or since when and why not, and when it is tried again."""
    if channel.paused is not None:
        return f"paused since {rfc3339(channel.paused)}"
    if channel.disabled is not None:
        return f"disabled since {rfc3339(channel.disabled)}"
    if channel.failing is not None:
        return f"failing since {rfc3339(channel.failing)}, {_next_try(channel.paused_until, now)}"
    if channel.abandoned:
        return f"answers, {channel.abandoned:,} given up: see `citewire failures`"
    if channel.pulled is not None:
        return f"pulled at {rfc3339(channel.pulled.seen)}, {channel.pulled.left} left"
    return "healthy"


def reason(channel: ChannelHealth) -> str:
    """Return why it is paused, or else the last error while it is in trouble."""
    if channel.paused is not None:
        return channel.pause_reason or ""
    return channel.reason or ""


def _next_try(at: dt.datetime | None, now: dt.datetime) -> str:
    if at is None or at <= now:
        return "next try now"
    seconds = round((at - now).total_seconds())
    return f"next try in {seconds} s" if seconds < 120 else f"next try in {round(seconds / 60)} min"
