"""What goes on at the moment: throughput, what waits where, and whether the sources of evidence answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.appraisal.standing import label
from pipeline.ledger import Transaction, figures
from pipeline.ledger.attention import SilentSource, silent_sources
from pipeline.ledger.evidence import verdicts
from pipeline.ledger.figures import Backlog
from pipeline.stages.context import Context
from pipeline.stages.flow import STAGES

HOURS = 24
_HOUR = dt.timedelta(hours=1)
_PUBMED = "pubmed"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of attempts at deliveries. The last one is not over yet."""

    at: dt.datetime
    delivered: int
    failed: int

    @property
    def count(self) -> int:
        return self.delivered + self.failed


@dataclass(frozen=True, slots=True)
class StageBacklog:
    """What a stage has to do now, and since when the oldest of it waits."""

    name: str
    due: int
    since: dt.datetime | None


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether a source of evidence answers."""

    label: str
    answered: dt.datetime | None
    failing: dt.datetime | None
    failures: int
    error: str | None
    again: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Now:
    hours: tuple[Hour, ...]
    stages: tuple[StageBacklog, ...]
    channels: tuple[Backlog, ...]
    sources: tuple[SourceHealth, ...]

    @property
    def busiest(self) -> int:
        """The most attempts in an hour; at least one, to draw with."""
        return max(1, *(one.count for one in self.hours))


def now_view(context: Context, transaction: Transaction, now: dt.datetime) -> Now:
    """Return what goes on, from the ledger alone."""
    return Now(
        hours=hours(transaction, now),
        stages=tuple(_stage(context, transaction, now)),
        channels=tuple(figures.backlogs(transaction)),
        sources=tuple(_sources(transaction, [*context.lists, *context.sources])),
    )


def hours(transaction: Transaction, now: dt.datetime) -> tuple[Hour, ...]:
    """Return the last day by the hour, the present hour last."""
    last = now.replace(minute=0, second=0, microsecond=0)
    first = last - (HOURS - 1) * _HOUR
    tried = figures.attempts_by_hour(transaction, since=first, until=last + _HOUR)
    found = []
    for number in range(HOURS):
        at = first + number * _HOUR
        delivered = tried.get((at, "delivered"), 0)
        every = sum(count for (hour, _), count in tried.items() if hour == at)
        found.append(Hour(at, delivered, every - delivered))
    return tuple(found)


def _stage(context: Context, transaction: Transaction, now: dt.datetime) -> list[StageBacklog]:
    found = []
    for stage in STAGES:
        due = stage.count_due(context, transaction, now)
        since = stage.oldest_due(context, transaction, now)
        found.append(StageBacklog(stage.name, due, since if since is not None and since <= now else None))
    return found


def _sources(transaction: Transaction, names: Sequence[str]) -> list[SourceHealth]:
    silent, known = silent_sources(transaction), verdicts.states(transaction)
    found = []
    for name in dict.fromkeys((_PUBMED, *names)):
        state, failed = known.get(name), silent.get(name, SilentSource(failures=0))
        failing = failed.since or (state.failing if state else None)
        found.append(
            SourceHealth(
                label=label(name) if name != _PUBMED else "PubMed",
                answered=state.answered if state else None,
                failing=failing,
                failures=failed.failures,
                error=failed.error or (state.error if state else None),
                again=failed.again,
            )
        )
    return found
