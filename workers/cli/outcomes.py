"""What became of the articles that a command published or withdrew: wait for it, show it, and exit with its status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import typer

from pipeline.ledger import Ledger
from pipeline.model.event import Accepted
from pipeline.model.reading import ReadWarning
from pipeline.views import cited as cited_views
from pipeline.views import warnings as warnings_views
from pipeline.views.channel_state import next_try
from workers.cli import BAD_INPUT, FAILED, INTERRUPTED, OVERTAKEN, TIMED_OUT, output
from workers.cli.common import now
from workers.cli.interrupting import wait_until

if TYPE_CHECKING:
    from pipeline.views import events as events_views

_POLL = 0.1  # seconds between looks at the ledger while waiting

Waited = Literal["ended", "timed-out", "interrupted"]
Show = Callable[[Sequence[str]], None]


@dataclass
class Published:
    """An accepted file and the progress of its deliveries."""

    file: str
    accepted: Accepted
    state: str = "accepted"
    warnings: tuple[ReadWarning, ...] = ()
    references: cited_views.CitedCounts | None = None  # known once the command has ended
    channels: tuple[events_views.AtChannel, ...] | None = None  # known once the command has waited

    def shape(self) -> dict[str, Any]:
        answer = self.accepted
        return {
            "file": self.file,
            "article": answer.article,
            "revision": answer.revision,
            "event": answer.event,
            "changed": answer.changed,
            "state": self.state,
            "warnings": [warnings_views.warning(one) for one in self.warnings],
            "references": self.references,
            "channels": self.channels,
        }


def wait_for(ledger: Ledger, published: Sequence[Published], timeout: float) -> Waited:
    """Show progress until every delivery has ended, the timeout expires or Ctrl-C; then what each channel has."""
    waited: Waited = "interrupted"
    with output.progress(len(published)) as show:
        try:
            ended = wait_until(lambda: _has_ended(ledger, published, show), seconds=timeout, every=_POLL)
            waited = "ended" if ended else "timed-out"
        except KeyboardInterrupt:
            output.note("interrupted")
        for one in published:
            if one.state == "accepted":
                one.state = "timed-out" if waited == "timed-out" else one.state
                _note_channels(ledger, one)
                show(lines(one))
    if waited != "ended":
        output.note("what was accepted is delivered all the same, as long as the system runs: see `citewire status`")
    return waited


def _has_ended(ledger: Ledger, published: Sequence[Published], show: Show) -> bool:
    """Look what became of those that had not ended, and return whether all have now."""
    from pipeline.views import events as events_views

    with ledger.read() as transaction:
        for one in published:
            if one.state != "accepted":
                continue
            ended = events_views.outcome(transaction, one.accepted.article, one.accepted.revision)
            if ended is not None:
                one.channels = events_views.at_channels(transaction, one.accepted.article, one.accepted.revision)
                one.state = ended
                show(lines(one))
    return all(one.state != "accepted" for one in published)


def _note_channels(ledger: Ledger, one: Published) -> None:
    from pipeline.views import events as events_views

    with ledger.read() as transaction:
        one.channels = events_views.at_channels(transaction, one.accepted.article, one.accepted.revision)


def lines(one: Published) -> list[str]:
    """Return what became of an article: a line, and one more for each channel that has not got it."""
    pushed = [at for at in one.channels or () if at.has_it or at.state != "available"]
    lacking = [at for at in pushed if not at.has_it]
    what = one.state.replace("-", " ")
    if lacking:
        counted = f"{len(pushed) - len(lacking)} of {len(pushed)} channels have it"
        what = counted if one.state == "abandoned" else f"{what}, {counted}"
    elif not one.channels and one.state in ("accepted", "timed-out"):
        what += ", not rendered yet"
    first = f"{one.accepted.article}  revision {one.accepted.revision}  {what}"
    return [first, *(f"  {at.channel}  {_standing(at)}" + (f": {at.error}" if at.error else "") for at in lacking)]


def _standing(at: events_views.AtChannel) -> str:
    if at.state == "abandoned":
        return "given up"
    if at.state == "sending" or at.due is None:
        return "being sent"
    return next_try(at.due, now())


def count_references(ledger: Ledger, published: Sequence[Published]) -> None:
    """Note what is known of each article's references now."""
    with ledger.read() as transaction:
        counts = cited_views.cited_counts_of_all(transaction, (one.accepted.article for one in published))
    for one in published:
        one.references = counts.get(one.accepted.article)


def exit_with(published: Sequence[Published], *, refused: bool, waited: Waited) -> None:
    if waited == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if refused:
        raise typer.Exit(BAD_INPUT)
    if waited == "timed-out":
        raise typer.Exit(TIMED_OUT)
    if any(one.state == "abandoned" for one in published):
        raise typer.Exit(FAILED)
    if any(one.state == "overtaken" for one in published):
        raise typer.Exit(OVERTAKEN)
