"""Deliveries and their attempts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.ledger import Transaction
from pipeline.ledger import deliveries as ledger
from pipeline.ledger.articles import revisions
from pipeline.ledger.deliveries import attempts
from pipeline.model.delivery import DeliveryState
from pipeline.views.fields import ArticleId, ChannelId, Count, Field, RevisionNumber, Time

MAX_ATTEMPTS = 100  # shown with one delivery


@dataclass(frozen=True, slots=True)
class Delivery:
    """One article at one channel: the revision it should have, and the one it has."""

    id: Annotated[str, Field(examples=["dlv_0c4f7a91d2e6"])]
    article: ArticleId
    channel: ChannelId
    format: Annotated[str, Field(examples=["ninjs"])]
    revision: Annotated[RevisionNumber, Field(description="The revision that the channel should have.")]
    held: Annotated[RevisionNumber | None, Field(description="The revision that the channel accepted last.")]
    event: Annotated[Literal["withdrawn"] | None, Field(description="Set if this delivery is a withdrawal.")]
    state: DeliveryState
    attempts: Count
    due: Annotated[Time | None, Field(description="When it will be attempted next.")]
    error: str | None
    references_pending: Annotated[
        int,
        Field(ge=0, description="References that the revision shows without an answer from PubMed."),
    ]
    changed: Annotated[Time | None, Field(description="When its state changed last, or an attempt at it ended.")]


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """Deliveries by article and channel."""

    deliveries: tuple[Delivery, ...]
    next: Annotated[str | None, Field(description="The `after` of the next page; null if this is the last one.")]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a delivery."""

    at: Time
    revision: RevisionNumber
    outcome: Annotated[
        str,
        Field(
            description="delivered, refused, transient, permanent, fault, interrupted or repaired",
            examples=["delivered"],
        ),
    ]
    status: Annotated[int | None, Field(description="The HTTP status, if there was one.", examples=[200])]
    milliseconds: Count
    detail: str
    answer: Annotated[str | None, Field(description="The first kilobyte of the channel's response.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryWithAttempts(Delivery):
    """A delivery with its attempts, newest first."""

    tried: tuple[Attempt, ...]


def deliveries(transaction: Transaction, found: Sequence[ledger.Delivery]) -> tuple[Delivery, ...]:
    """Return the deliveries, each with the number of references that its revision shows as pending."""
    pending = revisions.pending(transaction, {(one.article, one.target_revision) for one in found if one.target_digest})
    return tuple(delivery(one, pending=pending.get((one.article, one.target_revision), 0)) for one in found)


def delivery_list(transaction: Transaction, found: Sequence[ledger.Delivery], *, limit: int) -> DeliveryList:
    """Return the first `limit` of the deliveries found. Ask the ledger for one more, to tell whether there are more."""
    shown = found[:limit]
    return DeliveryList(deliveries(transaction, shown), next=shown[-1].id if len(found) > limit else None)


def delivery(one: ledger.Delivery, *, pending: int = 0) -> Delivery:
    return Delivery(
        id=one.id,
        article=one.article,
        channel=one.channel,
        format=one.format,
        revision=one.target_revision,
        held=one.delivered_revision,
        event="withdrawn" if one.urgency == ledger.WITHDRAWAL else None,
        state=one.state,
        attempts=one.attempts,
        due=one.due,
        error=one.error,
        references_pending=pending,
        changed=one.changed,
    )


def delivery_with_attempts(transaction: Transaction, one: ledger.Delivery) -> DeliveryWithAttempts:
    """Return a delivery with its newest attempts, at most `MAX_ATTEMPTS` of them."""
    (shown,) = deliveries(transaction, [one])
    tried = tuple(
        Attempt(
            at=attempt.at,
            revision=attempt.revision,
            outcome=attempt.outcome,
            status=attempt.status,
            milliseconds=attempt.milliseconds,
            detail=attempt.detail,
            answer=attempt.answer,
        )
        for attempt in attempts.of(transaction, one.id, limit=MAX_ATTEMPTS)
    )
    values = {field.name: getattr(shown, field.name) for field in dataclasses.fields(shown)}
    return DeliveryWithAttempts(**values, tried=tried)
