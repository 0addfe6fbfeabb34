"""What became of the articles that a command published or withdrew: wait for it, show it, and exit with its status."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from pipeline.ledger import Ledger
from pipeline.model.event import Accepted
from pipeline.model.reading import ReadWarning
from pipeline.views import cited as cited_views
from pipeline.views import events as events_views
from pipeline.views import warnings as warnings_views
from workers.cli import BAD_INPUT, FAILED, OVERTAKEN, TIMED_OUT, output

_POLL = 0.1  # seconds between looks at the ledger while waiting


@dataclass
class Published:
    """An accepted file and the progress of its deliveries."""

    file: str
    accepted: Accepted
    state: str = "accepted"
    warnings: tuple[ReadWarning, ...] = ()
    references: cited_views.CitedCounts | None = None  # known once the command has ended

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
        }


def wait_for(ledger: Ledger, published: Sequence[Published], timeout: float) -> bool:
    """Show progress until every delivery has ended or the timeout expires. Return whether all have ended."""
    deadline = time.monotonic() + timeout
    with output.progress(len(published)) as show:
        while True:
            open_ones = [one for one in published if one.state == "accepted"]
            _look(ledger, open_ones, show)
            if all(one.state != "accepted" for one in published):
                return True
            if time.monotonic() >= deadline:
                break
            time.sleep(_POLL)
    for one in published:
        one.state = "timed-out" if one.state == "accepted" else one.state
    return False


def _look(ledger: Ledger, open_ones: Sequence[Published], show: Callable[[dict[str, Any]], None]) -> None:
    with ledger.read() as transaction:
        for one in open_ones:
            ended = events_views.outcome(transaction, one.accepted.article, one.accepted.revision)
            if ended is not None:
                one.state = ended
                show(one.shape())


def count_references(ledger: Ledger, published: Sequence[Published]) -> None:
    """Note what is known of each article's references now."""
    with ledger.read() as transaction:
        for one in published:
            one.references = cited_views.cited_counts(transaction, one.accepted.article)


def exit_with(published: Sequence[Published], *, refused: bool, finished: bool) -> None:
    if refused:
        raise typer.Exit(BAD_INPUT)
    if not finished:
        raise typer.Exit(TIMED_OUT)
    if any(one.state == "abandoned" for one in published):
        raise typer.Exit(FAILED)
    if any(one.state == "overtaken" for one in published):
        raise typer.Exit(OVERTAKEN)
