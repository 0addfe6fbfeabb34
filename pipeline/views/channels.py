"""Channels, and what pausing and resuming one has done."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from msgspec import structs

from pipeline.ledger import Transaction
from pipeline.stages.deliver.trial import Tried
from pipeline.views.channel_figures import ChannelFigures, figures_of
from pipeline.views.fields import ChannelId, Count, Field
from pipeline.views.system import ChannelHealth, channel_health


@dataclass(frozen=True, slots=True)
class ChannelList:
    """Every channel in force."""

    channels: tuple[ChannelHealth, ...]


@dataclass(frozen=True, slots=True)
class WholeChannel:
    """A channel, and how it has answered lately."""

    health: ChannelHealth
    figures: ChannelFigures


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel that was paused or resumed, or was so already."""

    health: ChannelHealth
    changed: Annotated[bool, Field(description="False if it was paused, or not paused, before.")]
    withdrawals_owed: Annotated[
        Count, Field(description="Withdrawn articles that it may still show; while it is paused, it will.")
    ]
    operation: str


@dataclass(frozen=True, slots=True)
class SecretChanged:
    """A channel, some of whose secrets sign no longer, or did not before."""

    health: ChannelHealth
    changed: Annotated[bool, Field(description="False if there was nothing to change.")]
    operation: Annotated[str | None, Field(description="Null if nothing was changed.")]


@dataclass(frozen=True, slots=True)
class ChannelTested:
    """What a channel answered to a test event, or when it was reached."""

    channel: ChannelId
    sample: Annotated[bool, Field(description="False if it takes no test event, and was only reached.")]
    ok: bool
    code: Annotated[str | None, Field(description="Why it failed.", examples=["refused"])]
    status: Annotated[int | None, Field(description="Of its answer; null if there was none.")]
    milliseconds: Count
    detail: Annotated[str, Field(examples=["204 No Content"])]
    operation: str


def whole_channel(transaction: Transaction, channel: str, now: dt.datetime) -> WholeChannel:
    return WholeChannel(channel_health(transaction, channel, now), figures_of(transaction, channel, now))


def channel_tested(tried: Tried, operation: str) -> ChannelTested:
    return ChannelTested(**structs.asdict(tried), operation=operation)
