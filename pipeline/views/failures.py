"""Failing deliveries by cause."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.ledger import Transaction
from pipeline.ledger.deliveries import failing
from pipeline.stages import failures as stages
from pipeline.stages.attention import Who
from pipeline.views.fields import ArticleId, ChannelId, Count, Time


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


@dataclass(frozen=True, slots=True)
class FailureList:
    """Everything that fails, by cause, the cause with most deliveries first."""

    seen: Annotated[Time, Field(description="When this was read: a replay is bound to it.")]
    failures: tuple[Failure, ...]
    deliveries: Count


def failures(transaction: Transaction, *, now: dt.datetime) -> FailureList:
    """Return what fails, from all deliveries of the ledger."""
    found = tuple(_failure(one) for one in stages.failures(failing.tallies(transaction), seen=now))
    return FailureList(now, found, sum(one.count for one in found))


def _failure(one: stages.Failure) -> Failure:
    return Failure(
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
