"""What needs a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from msgspec import structs

from pipeline.ledger import Transaction
from pipeline.ledger.attention import UnappliedSettings
from pipeline.stages import attention as conditions
from pipeline.stages.attention import Condition
from pipeline.stages.causes import Who
from pipeline.views.fields import ArticleId, ChannelId, Field, Time


@dataclass(frozen=True, slots=True)
class NeedsYou:
    """Something that needs a person. It disappears when its cause is fixed; there is nothing to confirm."""

    key: Annotated[str, Field(description="The same for as long as it lasts.")]
    kind: Annotated[str, Field(examples=["channel-disabled"])]
    who: Annotated[Who, Field(description="Who must act.")]
    what: str
    command: Annotated[str, Field(description="What to run first.", examples=["citewire replay --channel partner-a"])]
    since: Time | None
    count: Annotated[int, Field(ge=1, description="How many articles, deliveries or failures it is about.")]
    channel: ChannelId | None
    article: Annotated[ArticleId | None, Field(description="One of the articles that it is about.")]


@dataclass(frozen=True, slots=True)
class Attention:
    """Everything that needs a person, from all rows of the ledger."""

    attention: tuple[NeedsYou, ...]


def attention(
    transaction: Transaction,
    channels: Collection[str],
    *,
    now: dt.datetime,
    disk: str | None = None,
    unapplied: UnappliedSettings | None = None,
) -> Attention:
    """Return what needs a person. `channels`: those in the settings; the rest is what the caller found on its host."""
    found = conditions.needs(transaction, channels, now=now, disk=disk, unapplied=unapplied)
    return Attention(tuple(needs_you(one) for one in found))


def needs_you(condition: Condition) -> NeedsYou:
    return NeedsYou(**structs.asdict(condition))
