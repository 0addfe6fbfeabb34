"""Places: where copies lie or lay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.ledger import Transaction
from pipeline.ledger import places as ledger
from pipeline.ledger.places import Place as Known
from pipeline.views.fields import ChannelId, Count, Field, Time


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel's copies lie, or lay before it moved, was removed or got another partner."""

    key: Annotated[
        str, Field(description="What deliveries to it have as their channel.", examples=["archive@1f3a09bc"])
    ]
    channel: ChannelId
    place: Annotated[str | None, Field(description="Null if it was left before places were remembered.")]
    format: str | None
    state: Literal["in-force", "orphan", "emptying", "emptied", "given-up"]
    since: Time
    left: Time | None
    articles: Annotated[Count, Field(description="That it has, or may have.")]
    filling: Annotated[bool, Field(description="Articles that it lacks are being sent to it.")]
    reason: Annotated[str | None, Field(description="Why it was given up.")]
    by: str | None
    checked: Annotated[Time | None, Field(description="When all of it was last read back.")]
    drift: Annotated[Count, Field(description="What was found there that is not as it should be.")]
    check_error: Annotated[str | None, Field(description="Why it could not be read back.")]


def places(transaction: Transaction) -> tuple[Place, ...]:
    """Return every place, by channel, those in force first."""
    return tuple(_place(transaction, one) for one in ledger.every(transaction))


def places_left(transaction: Transaction) -> tuple[Place, ...]:
    """Return the places that need a person: left, and not emptied or given up yet."""
    return tuple(_place(transaction, one) for one in ledger.every(transaction, states=_LEFT))


_LEFT: frozenset[ledger.State] = frozenset({"orphan", "emptying"})


def _place(transaction: Transaction, one: Known) -> Place:
    return Place(
        key=one.key,
        channel=one.channel,
        place=one.location,
        format=one.format,
        state=one.state,
        since=one.since,
        left=one.left,
        articles=ledger.count_contents(transaction, one.key),
        filling=bool(one.fill),
        reason=one.reason,
        by=one.by,
        checked=one.checked,
        drift=ledger.drift_count(transaction, one.key),
        check_error=one.check_error,
    )
