"""`failures`: what fails, grouped by cause, who must act, what to run, and what people wrote about it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.views import failures as failures_views
from workers.cli import FAILED, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    UtcOption,
    existing_ledger,
    find,
    print_json,
    reading,
)
from workers.cli.times import shown

if TYPE_CHECKING:
    from pipeline.ledger.failure_notes import Note

_BY = "citewire failures"


def register(app: typer.Typer) -> None:
    app.command()(failures)


def failures(
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="With an option below: the cause.")] = None,
    note: Annotated[str | None, typer.Option(help="Write a note about the cause; '' removes it.")] = None,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Dismiss the cause until it happens again.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="Take the dismissal back.")] = False,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what fails, grouped by cause: since when, who must act, and what to run. Status 1 if anything fails."""
    system = find(data, config)
    if key is not None:
        written = _write(system, key, note, dismiss=dismiss, reopen=reopen)
        print_json(failures_views.noted(written)) if json else output.line(f"{written.key} of {written.channel}: done")
        return
    if note is not None or dismiss or reopen:
        raise InvalidEvent(
            "no cause was named", code="nothing-named", hint="give the key that `citewire failures` shows"
        )
    with reading(system) as (transaction, now):
        found = failures_views.failures(transaction, now=now)
    print_json(found) if json else _print(found, now, utc=utc)
    if any(one.dismissed is None for one in found.failures):
        raise typer.Exit(FAILED)


def _write(system: System, key: str, note: str | None, *, dismiss: bool, reopen: bool) -> Note:
    if sum((note is not None, dismiss, reopen)) != 1:
        hint = "give one of --note, --dismiss and --reopen"
        raise InvalidEvent("it is not clear what is to be done about the cause", code="nothing-named", hint=hint)
    from pipeline.stages import failure_notes
    from workers.cli.accepting import intake_of

    with existing_ledger(system) as ledger:
        intake = intake_of(ledger, system)
        if note is not None:
            return failure_notes.note(intake, key, note, by=_BY)
        if dismiss:
            return failure_notes.dismiss(intake, key, seen=intake.clock(), by=_BY)
        return failure_notes.reopen(intake, key, by=_BY)


def _print(found: failures_views.FailureList, now: dt.datetime, *, utc: bool) -> None:
    if not found.failures:
        output.line("nothing fails")
    for one in found.failures:
        kind = f"{one.type} {one.status}" if one.status else one.type
        dismissed = " (dismissed until it happens again)" if one.dismissed else ""
        output.line(f"{one.channel}: {kind}" + (f": {one.message}" if one.message else "") + dismissed)
        since = f"first {shown(one.first, now, utc=utc)}, last {shown(one.last, now, utc=utc)}"
        due = f", next try {shown(one.due, now, utc=utc)}" if one.due else ""
        output.line(f"  {_counts(one)}, {since}{due}; {one.delivery} is one of them")
        if one.note:
            output.line(f"  note of {one.noted_by}: {one.note}")
        output.line(f"  {one.who}: {one.mend}")
        output.line(f"  then: {one.command}")


def _counts(one: failures_views.Failure) -> str:
    counts = ((one.abandoned, "given up"), (one.retried, "tried again"))
    return ", ".join(f"{count:,} {words}" for count, words in counts if count)
