"""The state of a channel in words that cannot be misread. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from pipeline.views.system import ChannelHealth
from pipeline.web.console.words import ago, count


class ChannelState(Struct, frozen=True):
    tone: Literal["well", "warn", "bad"]
    words: str


def state_of(channel: ChannelHealth, now: dt.datetime) -> ChannelState:
    """Return whether the channel gets what is sent to it; if not, since when, why, and when it is tried again."""
    if channel.paused is not None:
        return ChannelState("warn", f"paused since {_clock(channel.paused, now)}")
    if channel.disabled is not None:
        return ChannelState("bad", f"disabled since {_clock(channel.disabled, now)}: its partner said that it is gone")
    if channel.failing is not None:
        return ChannelState("bad", f"failing since {_clock(channel.failing, now)}, {_next_try(channel, now)}")
    if channel.abandoned:
        return ChannelState(
            "warn", f"answers, but {count(channel.abandoned, 'delivery was', 'deliveries were')} given up"
        )
    if channel.pulled is not None:
        left = count(channel.pulled.left, "change")
        return ChannelState("well", f"healthy: pulled {ago(channel.pulled.seen, now)}, {left} left")
    return ChannelState("well", "healthy")


def _clock(moment: dt.datetime, now: dt.datetime) -> str:
    """Return the time of day, with the day if it is another one."""
    same_day = moment.astimezone(dt.UTC).date() == now.astimezone(dt.UTC).date()
    return f"{moment.astimezone(dt.UTC):{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}} UTC"


def _next_try(channel: ChannelHealth, now: dt.datetime) -> str:
    at = channel.paused_until
    return "next try now" if at is None or at <= now else f"next try {ago(at, now)}"
