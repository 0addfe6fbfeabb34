"""Channels, and what pausing and resuming one has done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.views.fields import Count
from pipeline.views.system import ChannelHealth


@dataclass(frozen=True, slots=True)
class ChannelList:
    """Every channel in force."""

    channels: tuple[ChannelHealth, ...]


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel that was paused or resumed, or was so already."""

    health: ChannelHealth
    changed: Annotated[bool, Field(description="False if it was paused, or not paused, before.")]
    withdrawals_owed: Annotated[
        Count, Field(description="Withdrawn articles that it may still show; while it is paused, it will.")
    ]
    operation: str
