"""What goes on at the moment: throughput, what waits where, and whether the sources of evidence answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.appraisal.standing import label
from pipeline.ledger import Transaction, figures
from pipeline.ledger.attention import SilentSource, silent_sources
from pipeline.ledger.evidence import verdicts
from pipeline.stages.backlog import backlogs
from pipeline.stages.context import Context
from pipeline.views.fields import ChannelId, Count, Field, Time

HOURS = 24
_HOUR = dt.timedelta(hours=1)
_PUBMED = "pubmed"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of attempts at deliveries. The last one is not over yet."""

    at: Annotated[Time, Field(description="When it begins.")]
    delivered: Count
    failed: Count

    @property
    def count(self) -> int:
        return self.delivered + self.failed


@dataclass(frozen=True, slots=True)
class StageBacklog:
    """What a stage has to do now, and since when the oldest of it waits."""

    stage: Annotated[str, Field(examples=["deliver"])]
    due: Count
    since: Time | None


@dataclass(frozen=True, slots=True)
class ChannelBacklog:
    """What a channel has not got yet. What waits to be pulled is counted, too."""

    channel: ChannelId
    deliveries: Count
    since: Annotated[Time, Field(description="When the oldest of these changes was made.")]


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether a source of evidence answers."""

    source: Annotated[str, Field(examples=["crossref"])]
    label: Annotated[str, Field(examples=["Crossref"])]
    answered: Annotated[Time | None, Field(description="When it answered last; null if that is not recorded.")]
    failing: Annotated[Time | None, Field(description="Since when it has not answered.")]
    failures: Annotated[int, Field(ge=0, description="Failures in a row.")]
    error: str | None
    again: Annotated[Time | None, Field(description="When it is asked again, while it is left alone.")]


@dataclass(frozen=True, slots=True)
class Now:
    """What goes on."""

    seen: Annotated[Time, Field(description="When this was read.")]
    hours: Annotated[tuple[Hour, ...], Field(description="The last day, the present hour last.")]
    channels: Annotated[
        tuple[ChannelBacklog, ...],
        Field(description="The channels that lack something, the one that has waited longest first."),
    ]
    stages: tuple[StageBacklog, ...]
    sources: tuple[SourceHealth, ...]

    @property
    def busiest(self) -> int:
        """The most attempts in an hour; at least one, to draw with."""
        return max(1, *(one.count for one in self.hours))


def now_view(context: Context, transaction: Transaction, now: dt.datetime) -> Now:
    """Return what goes on, from the ledger alone."""
    return Now(
        seen=now,
        hours=hours(transaction, now),
        channels=tuple(ChannelBacklog(one.channel, one.count, one.since) for one in figures.backlogs(transaction)),
        stages=tuple(_stages(context, transaction, now)),
        sources=sources_health(context, transaction),
    )


def hours(transaction: Transaction, now: dt.datetime) -> tuple[Hour, ...]:
    """Return the last day by the hour, the present hour last."""
    last = now.replace(minute=0, second=0, microsecond=0)
    first = last - (HOURS - 1) * _HOUR
    tried = figures.attempts_by_hour(transaction, since=first, until=last + _HOUR)
    return tuple(Hour(one.at, one.count - one.failed, one.failed) for one in tried)


def _stages(context: Context, transaction: Transaction, now: dt.datetime) -> list[StageBacklog]:
    due = backlogs(context, transaction, now)
    return [
        StageBacklog(name, one.count, one.oldest if one.oldest is not None and one.oldest <= now else None)
        for name, one in due.items()
    ]


def sources_health(context: Context, transaction: Transaction) -> tuple[SourceHealth, ...]:
    """Return PubMed and the other sources of evidence that the site asks, and whether they answer."""
    return tuple(_sources(transaction, [*context.lists, *context.sources]))


def _sources(transaction: Transaction, names: Sequence[str]) -> list[SourceHealth]:
    silent, known = silent_sources(transaction), verdicts.states(transaction)
    found = []
    for name in dict.fromkeys((_PUBMED, *names)):
        state, failed = known.get(name), silent.get(name, SilentSource(failures=0))
        failing = failed.since or (state.failing if state else None)
        found.append(
            SourceHealth(
                source=name,
                label=label(name) if name != _PUBMED else "PubMed",
                answered=state.answered if state else None,
                failing=failing,
                failures=failed.failures,
                error=failed.error or (state.error if state else None),
                again=failed.again,
            )
        )
    return found
