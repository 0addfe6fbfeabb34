"""The state of a channel in words that cannot be misread, for the console and the command. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from pipeline.model.words import count, relative

if TYPE_CHECKING:
    from pipeline.views.system import ChannelHealth


class ChannelState(Struct, frozen=True):
    tone: Literal["well", "warn", "bad"]
    words: str


def state_of(channel: ChannelHealth, now: dt.datetime, *, at: Callable[[dt.datetime], str]) -> ChannelState:
    """Return whether the channel gets what is sent to it; if not, since when, why, and when it is tried again.

    `at`: how its reader has a moment written.
    """
    if channel.paused is not None:
        return ChannelState("warn", f"paused since {at(channel.paused)}")
    if channel.disabled is not None:
        return ChannelState("bad", f"disabled since {at(channel.disabled)}: its partner said that it is gone")
    if channel.failing is not None:
        return ChannelState("bad", f"failing since {at(channel.failing)}, {next_try(channel.paused_until, now)}")
    if channel.abandoned:
        given_up = count(channel.abandoned, "delivery was", "deliveries were")
        return ChannelState("warn", f"answers, but {given_up} given up")
    if channel.pulled is not None:
        left = count(channel.pulled.left, "change")
        return ChannelState("well", f"healthy: pulled {relative(channel.pulled.seen, now)}, {left} left")
    return ChannelState("well", "healthy")


def next_try(at: dt.datetime | None, now: dt.datetime) -> str:
    """Return when something is tried again: `next try in 40 s`."""
    return "next try now" if at is None or at <= now else f"next try {relative(at, now)}"
