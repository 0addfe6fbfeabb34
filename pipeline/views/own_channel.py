"""What a partner sees of its own channel and its deliveries. What only our operator can mend is shown as a code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pipeline.channels import Rotation
from pipeline.ledger import Transaction, deliveries, places
from pipeline.ledger.deliveries import channels
from pipeline.model.delivery import SignatureCheck
from pipeline.stages.accept.replay import Again
from pipeline.stages.context import ChannelPlan
from pipeline.stages.failures import MENDS, cause
from pipeline.views.deliveries import DeliveryList, DeliveryWithAttempts
from pipeline.views.fields import ChannelId, Count, Field, Time

PAUSED_BY_PARTNER = "its partner has paused it"  # what operators read


@dataclass(frozen=True, slots=True)
class OwnChannel:
    """Whether a channel can be sent to."""

    channel: ChannelId
    format: Annotated[str, Field(examples=["ninjs"])]
    paused: Annotated[Time | None, Field(description="Since when nothing is sent.")]
    paused_by: Annotated[Literal["partner", "operator"] | None, Field(description="Who can have it resumed.")]
    disabled: Annotated[Time | None, Field(description="Since when nothing is sent because you answered 410.")]
    failing: Annotated[Time | None, Field(description="Since when you have accepted nothing.")]
    next_try: Annotated[Time | None, Field(description="Until when the channel rests after failures.")]
    given_up: Annotated[Count, Field(description="Deliveries that were given up: you can have them replayed.")]
    withdrawals_owed: Annotated[Count, Field(description="Withdrawals that you have not accepted yet.")]
    secret_rotated: Annotated[Time | None, Field(description="When the newest secret of your webhooks was made.")]
    former_secrets_until: Annotated[Time | None, Field(description="Until when former secrets sign too.")]


@dataclass(frozen=True, slots=True)
class NewSecret:
    """What signs a channel's messages from now on. It is shown here alone."""

    channel: ChannelId
    secret: Annotated[str | None, Field(description="Null if the channel signs with Ed25519 alone.")]
    public_key: Annotated[str | None, Field(description="To verify `v1a` signatures with, if it makes such.")]
    former_until: Annotated[Time | None, Field(description="Until when former secrets sign too; null: they ended.")]
    operation: str


def new_secret(channel: str, new: Rotation, operation: str) -> NewSecret:
    return NewSecret(channel, new.secret, new.public_key, new.former_until, operation)


@dataclass(frozen=True, slots=True)
class OwnReplayed:
    """How many deliveries will be sent again, and what is left."""

    replayed: Count
    operation: Annotated[str | None, Field(description="What the replays are part of; null if there were none.")]
    delivered: Annotated[int, Field(ge=0, description="Of them: accepted before, and now sent a second time.")]
    newer: Annotated[int, Field(ge=0, description="Always 0.", deprecated=True)]
    left: Annotated[Count, Field(description="Deliveries that were not sent again yet.")]
    next_since: Annotated[
        Time | None, Field(description="The `since` of the request for the rest. Null: there is none.")
    ]
    next_before: Annotated[Time | None, Field(description="Its `before`.")]


@dataclass(frozen=True, slots=True)
class OwnTest:
    """What you answered to a test event."""

    accepted: bool
    status: Annotated[int | None, Field(description="Of your answer; null if there was none.")]
    code: Annotated[str | None, Field(description="Why it failed.", examples=["refused"])]
    operation: str


@dataclass(frozen=True, slots=True)
class SignatureChecked:
    """One check of a message."""

    name: Annotated[str, Field(examples=["webhook-signature"])]
    passed: bool
    why: Annotated[str | None, Field(description="Why it fails.")]


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """Whether a message was signed by this channel as it arrived, check by check."""

    valid: bool
    checks: tuple[SignatureChecked, ...]


def signature_report(found: Sequence[SignatureCheck]) -> SignatureReport:
    checks = tuple(SignatureChecked(one.name, one.why is None, one.why) for one in found)
    return SignatureReport(all(one.passed for one in checks), checks)


def own_channel(transaction: Transaction, plan: ChannelPlan, *, now: dt.datetime) -> OwnChannel:
    health = channels.health(transaction, plan.id)
    secret = places.rotation_of(transaction, plan.id, now=now)
    return OwnChannel(
        channel=plan.id,
        format=plan.format,
        paused=health.paused,
        paused_by=(health.paused_by or "operator") if health.paused is not None else None,
        disabled=health.disabled,
        failing=health.failing,
        next_try=health.paused_until,
        given_up=deliveries.count_abandoned(transaction, plan.id),
        withdrawals_owed=deliveries.count_outstanding_withdrawals(transaction, plan.id),
        secret_rotated=secret.at,
        former_secrets_until=secret.former_until,
    )


def own_replayed(again: Again, *, before: dt.datetime) -> OwnReplayed:
    done = again.done
    next_before = before if again.left else None
    return OwnReplayed(done.count, done.operation, done.delivered, 0, again.left, again.next_since, next_before)


def own_deliveries(found: DeliveryList) -> DeliveryList:
    shown = (replace(one, error=_error(one.channel, one.error, one.article)) for one in found.deliveries)
    return replace(found, deliveries=tuple(shown))


def own_delivery(one: DeliveryWithAttempts) -> DeliveryWithAttempts:
    tried = (replace(each, detail=_error(one.channel, each.detail, one.article) or "") for each in one.tried)
    return replace(one, error=_error(one.channel, one.error, one.article), tried=tuple(tried))


def _error(channel: str, error: str | None, article: str) -> str | None:
    """Return the error; only its code if it tells of our own host, which is no partner's to know."""
    if error is None:
        return None
    code = cause(channel, error, article).type
    is_ours = code in MENDS or code[0].isupper()  # a capital: the name of an exception
    return code if is_ours else error
