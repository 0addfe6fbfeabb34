"""What an event would do, and what each channel would get."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.stages.accept.preview import Action
from pipeline.stages.dry_run import Gets, Trial
from pipeline.views.cited import CitedCounts, counted
from pipeline.views.fields import ArticleId, ChannelId, Field, RevisionNumber, Time
from pipeline.views.references import Reference, reference
from pipeline.views.warnings import SourceWarning, warning


@dataclass(frozen=True, slots=True)
class WouldGet:
    """What a channel would get."""

    channel: ChannelId
    format: Annotated[str, Field(examples=["ninjs"])]
    gets: Gets
    why: Annotated[str | None, Field(description="Why nothing or a withdrawal, or why not at once.")]


@dataclass(frozen=True, slots=True)
class WouldBe:
    """What an event would do if it were sent now without `dry_run`."""

    article: ArticleId
    revision: Annotated[RevisionNumber, Field(description="The article's newest revision then.")]
    action: Annotated[
        Action,
        Field(description="again: it was withdrawn and would be live. repeated: the event was accepted before."),
    ]
    former: Annotated[ArticleId | None, Field(description="Its present name, if it would be renamed.")]
    scheduled: Annotated[dt.datetime | None, Field(description="When its embargo ends, if it has one.")]
    held: Annotated[str | None, Field(description="Why it would be shown to nobody, because of its evidence.")]
    warnings: tuple[SourceWarning, ...]
    cited: Annotated[CitedCounts | None, Field(description="The references by what is known of them now.")]
    references: Annotated[tuple[Reference, ...], Field(description="Each as far as it is known now.")]
    channels: Annotated[tuple[WouldGet, ...], Field(description="Every channel; empty if nothing would change.")]
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the events of a request would do, in their order. Nothing was changed."""

    seen: Annotated[Time, Field(description="When the ledger was looked at.")]
    events: tuple[WouldBe, ...]


def dry_run(trials: Sequence[Trial], *, now: dt.datetime) -> DryRun:
    return DryRun(now, tuple(map(would_be, trials)))


def would_be(trial: Trial) -> WouldBe:
    """Return what one event would do."""
    foreseen, withdraws = trial.foreseen, trial.foreseen.after is None and not trial.references
    return WouldBe(
        article=foreseen.article,
        revision=foreseen.revision,
        action=foreseen.action,
        former=foreseen.former,
        scheduled=trial.scheduled,
        held=trial.held,
        warnings=tuple(map(warning, trial.warnings)),
        cited=None if withdraws else counted(trial.references, known=trial.known),
        references=tuple(map(reference, trial.references)),
        channels=tuple(WouldGet(one.channel, one.format, one.gets, one.why) for one in trial.channels),
        feeds=trial.feeds,
    )
