"""`failures`: what fails, grouped by cause, who must act, and what to run."""

from __future__ import annotations

import datetime as dt

import typer

from pipeline.views import failures as failures_views
from workers.cli import FAILED, output
from workers.cli.common import ConfigOption, DataOption, JsonOption, UtcOption, find, print_json, reading
from workers.cli.times import shown


def register(app: typer.Typer) -> None:
    app.command()(failures)


def failures(
    utc: UtcOption = False, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Show what fails, grouped by cause: since when, who must act, and what to run. Status 1 if anything fails."""
    with reading(find(data, config)) as (transaction, now):
        found = failures_views.failures(transaction, now=now)
    print_json(found) if json else _print(found, now, utc=utc)
    if found.failures:
        raise typer.Exit(FAILED)


def _print(found: failures_views.FailureList, now: dt.datetime, *, utc: bool) -> None:
    if not found.failures:
        output.line("nothing fails")
    for one in found.failures:
        kind = f"{one.type} {one.status}" if one.status else one.type
        output.line(f"{one.channel}: {kind}" + (f": {one.message}" if one.message else ""))
        since = f"first {shown(one.first, now, utc=utc)}, last {shown(one.last, now, utc=utc)}"
        due = f", next try {shown(one.due, now, utc=utc)}" if one.due else ""
        output.line(f"  {_counts(one)}, {since}{due}; {one.delivery} is one of them")
        output.line(f"  {one.who}: {one.mend}")
        output.line(f"  then: {one.command}")


def _counts(one: failures_views.Failure) -> str:
    counts = ((one.abandoned, "given up"), (one.retried, "tried again"))
    return ", ".join(f"{count:,} {words}" for count, words in counts if count)
