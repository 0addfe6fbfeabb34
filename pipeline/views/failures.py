"""Failing deliveries by cause."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction, failure_notes
from pipeline.ledger.deliveries import failing
from pipeline.ledger.failure_notes import Note
from pipeline.stages import failures as stages
from pipeline.stages.causes import Who
from pipeline.views.fields import ArticleId, ChannelId, Count, Field, Time


@dataclass(frozen=True, slots=True)
class Failure:
    """A cause that deliveries of a channel fail of. It disappears when they are delivered."""

    key: Annotated[str, Field(description="The same for as long as the cause.", examples=["flr_0c4f7a91d2e6"])]
    channel: ChannelId
    type: Annotated[str, Field(description="The code of the error.", examples=["refused"])]
    status: Annotated[int | None, Field(description="The HTTP status, if there was one.", examples=[400])]
    message: Annotated[str, Field(description="Without ids, addresses and quotations.")]
    who: Annotated[Who, Field(description="Who must act.")]
    mend: Annotated[str, Field(description="What has to be done.")]
    command: Annotated[str, Field(description="What to run then: it replays exactly what this answer counted.")]
    count: Annotated[int, Field(ge=1, description="The deliveries concerned.")]
    abandoned: Annotated[int, Field(ge=0, description="Of them: given up.")]
    retried: Annotated[int, Field(ge=0, description="Of them: tried again by themselves.")]
    first: Annotated[Time, Field(description="When one of them failed for the first time.")]
    last: Annotated[Time, Field(description="When one of them failed last.")]
    due: Annotated[Time | None, Field(description="When one of them is tried next.")]
    article: Annotated[ArticleId, Field(description="One of the articles concerned.")]
    delivery: Annotated[str, Field(description="One of the deliveries concerned.", examples=["dlv_0c4f7a91d2e6"])]
    note: Annotated[str | None, Field(description="What people wrote about it.")]
    noted_by: Annotated[str | None, Field(description="Who wrote the note, or dismissed it last.")]
    dismissed: Annotated[Time | None, Field(description="As of when it was dismissed; null once it happened again.")]


@dataclass(frozen=True, slots=True)
class FailureList:
    """Everything that fails, by cause, the cause with most deliveries first; dismissed ones last."""

    seen: Annotated[Time, Field(description="When this was read: a replay is bound to it.")]
    failures: tuple[Failure, ...]
    deliveries: Count


@dataclass(frozen=True, slots=True)
class Noted:
    """What people have written about a cause."""

    key: str
    channel: ChannelId
    note: str | None
    by: str
    at: Time
    dismissed: Annotated[Time | None, Field(description="As of when it was dismissed.")]


def noted(one: Note) -> Noted:
    return Noted(one.key, one.channel, one.text, one.by, one.at, one.dismissed)


def failures(transaction: Transaction, *, now: dt.datetime) -> FailureList:
    """Return what fails, from all deliveries of the ledger."""
    notes = failure_notes.every(transaction)
    every = stages.failures(failing.tallies(transaction, alike=stages.cause), seen=now)
    found = sorted(
        (_failure(one, notes.get(one.cause.key)) for one in every), key=lambda one: one.dismissed is not None
    )
    return FailureList(now, tuple(found), sum(one.count for one in found))


def _failure(one: stages.Failure, note: Note | None) -> Failure:
    return Failure(
        note=note.text if note is not None else None,
        noted_by=note.by if note is not None else None,
        dismissed=stages.dismissed_at(one, note),
        key=one.cause.key,
        channel=one.cause.channel,
        type=one.cause.type,
        status=one.cause.status,
        message=one.cause.message,
        who=one.who,
        mend=one.mend,
        command=one.command,
        count=one.abandoned + one.retried,
        abandoned=one.abandoned,
        retried=one.retried,
        first=one.first,
        last=one.last,
        due=one.due,
        article=one.article,
        delivery=one.delivery,
    )
