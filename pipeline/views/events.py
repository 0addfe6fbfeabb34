"""What became of an event, and the answers to replaying and releasing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pipeline.ledger import Transaction, articles, deliveries
from pipeline.ledger.articles import revisions
from pipeline.model.delivery import DeliveryState
from pipeline.model.event import Accepted
from pipeline.model.reading import ReadWarning
from pipeline.stages.accept import replay as replays
from pipeline.views.cited import CitedCounts, cited_counts
from pipeline.views.fields import ArticleId, ChannelId, Count, Field, RevisionNumber, Time
from pipeline.views.warnings import SourceWarning, warning

Outcome = Literal["delivered", "abandoned", "scheduled"]


@dataclass(frozen=True, slots=True)
class AtChannel:
    """What a channel has of an article that was published or withdrawn."""

    channel: ChannelId
    has_it: Annotated[bool, Field(description="It has accepted this revision, or a newer one.")]
    state: Annotated[DeliveryState | Literal["available"], Field(description="available: it waits to be pulled.")]
    due: Annotated[Time | None, Field(description="When it will be attempted next.")]
    error: str | None


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """An event that the ledger has recorded. Sending the same event again returns the same answer."""

    event: Annotated[str, Field(description="The id of the event here.", examples=["evt_5f2d8c1e9a7b"])]
    article: ArticleId
    revision: Annotated[RevisionNumber, Field(description="The article's newest revision.")]
    changed: Annotated[bool, Field(description="False if the event brought nothing new.")]
    status: Annotated[
        str, Field(description="accepted, scheduled, delivered, abandoned or overtaken", examples=["accepted"])
    ]
    warnings: tuple[SourceWarning, ...] = ()
    references: Annotated[
        CitedCounts | None, Field(description="What is known of the references now; null for a withdrawn article.")
    ] = None
    channels: Annotated[
        tuple[AtChannel, ...] | None,
        Field(description="What each channel has, empty before rendering; null in an answer that did not wait."),
    ] = None


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """The answers to a batch of events, in their order."""

    events: tuple[AcceptedEvent, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """An article whose hold was ended."""

    article: ArticleId
    revision: RevisionNumber
    channels: Annotated[
        tuple[ChannelId, ...], Field(description="The channels it was held from; empty if it was held from everyone.")
    ]
    operation: str


@dataclass(frozen=True, slots=True)
class PublishedAgain:
    """An article that is delivered once more as it is."""

    article: ArticleId
    revision: RevisionNumber
    deliveries: Count
    operation: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An article that goes live at another time than before."""

    article: ArticleId
    revision: Annotated[RevisionNumber, Field(description="The same text with the other time.")]
    at: Annotated[Time | None, Field(description="When it goes live. Null: as soon as it is rendered.")]
    operation: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries will be attempted again."""

    replayed: Count
    operation: Annotated[str | None, Field(description="What the replays are part of; null if there were none.")]
    delivered: Annotated[int, Field(ge=0, description="Of them: accepted before, and now sent a second time.")] = 0
    newer: Annotated[int, Field(ge=0, description="Left alone, because they failed only after the cause was seen.")] = 0


def replayed(done: replays.Replayed) -> Replayed:
    return Replayed(done.count, done.operation, done.delivered, done.newer)


def accepted(
    answer: Accepted,
    status: str = "accepted",
    warnings: Sequence[ReadWarning] = (),
    references: CitedCounts | None = None,
    channels: tuple[AtChannel, ...] | None = None,
) -> AcceptedEvent:
    """Return the answer to an event. One that was overtaken never comes any further."""
    shown = tuple(map(warning, (*_doubts(answer), *warnings)))
    status = "overtaken" if answer.outcome == "overtaken" else status
    return AcceptedEvent(
        answer.event, answer.article, answer.revision, answer.changed, status, shown, references, channels
    )


def awaited(transaction: Transaction, one: AcceptedEvent) -> AcceptedEvent:
    """Return the answer to an event with what became of it by now, and a warning if its deliveries have not ended."""
    if one.status == "overtaken":
        return one
    ended = outcome(transaction, one.article, one.revision)
    warnings = one.warnings if ended is not None else (*one.warnings, warning(_GOES_ON))
    return replace(
        one,
        status=ended or one.status,
        warnings=warnings,
        references=cited_counts(transaction, one.article),
        channels=at_channels(transaction, one.article, one.revision),
    )


_GOES_ON = ReadWarning(
    code="still-delivering",
    message="not every channel has it yet; it is delivered all the same",
    hint="ask GET /v1/events/{event} with the `event` of this answer",
)


def _doubts(answer: Accepted) -> Iterator[ReadWarning]:
    """What the sender should know about the order and the time of its event."""
    if answer.outcome == "overtaken":
        message = "not done: a newer event of this source about the article is known"
        hint = "send it again under a new id without `time`, or with a higher `sequence`, if it is the newest"
        yield ReadWarning(code="overtaken", message=message, hint=hint)
    if answer.time_ahead:
        message = "is ahead of the event's arrival, which counts instead"
        yield ReadWarning(code="time-ahead", message=message, field="time", hint="set the sender's clock")
    if answer.set_back:
        message = "is older than that of an earlier event: the sender's clock was set back; the event was carried out"
        yield ReadWarning(code="clock-set-back", message=message, field="time", hint="set the sender's clock")


def at_channels(transaction: Transaction, article_id: str, revision: int) -> tuple[AtChannel, ...]:
    """Return what each channel has of a revision; nothing before it is rendered."""
    current = articles.get(transaction, article_id)
    revision = revisions.number_of_event(transaction, article_id, revision)
    if current is None or (current.state != "withdrawn" and (current.rendered or 0) < revision):
        return ()
    return tuple(
        AtChannel(
            channel=one.channel,
            has_it=one.delivered_revision is not None and one.delivered_revision >= revision,
            state="available" if one.state == "pending" and one.due is None else one.state,
            due=one.due,
            error=one.error,
        )
        for one in deliveries.of_article(transaction, article_id)
        if one.target_revision >= revision
    )


def outcome(transaction: Transaction, article_id: str, revision: int) -> Outcome | None:
    """Return how the deliveries of a revision ended, or None while any of them is unfinished."""
    current = articles.get(transaction, article_id)
    if current is None:
        return None
    revision = revisions.number_of_event(transaction, article_id, revision)
    if current.state != "withdrawn" and (current.rendered or 0) < revision:
        return "scheduled" if current.state == "scheduled" else None
    found = deliveries.of_article(transaction, article_id)
    states = {one.state for one in found if one.state != "pending" or one.due is not None}  # else it waits to be pulled
    if states & {"pending", "sending"}:
        return None
    return "abandoned" if "abandoned" in states else "delivered"
