"""`calendar`: what goes live, ends its embargo or falls due for review."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.model.moment import rfc3339
from pipeline.views import calendar as calendar_views
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, UtcOption, find, print_json, reading
from workers.cli.times import shown

_WORDS = {"goes-live": "goes live", "update": "its update ends its embargo", "review": "falls due for review"}


def register(app: typer.Typer) -> None:
    app.command()(calendar)


def calendar(
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Begin with this day, in UTC, and not with today.")
    ] = None,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what goes live, ends its embargo or falls due for review, in the month from today or another day on."""
    first = _day(day) if day is not None else None
    with reading(find(data, config)) as (transaction, now):
        found = calendar_views.calendar(transaction, now, day=first)
    print_json(found) if json else _show(found, now, utc=utc)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        hint = "write it like 2026-03-01"
        raise InvalidEvent(f"{text!r} is not a day", code="invalid-time", field="day", hint=hint) from error


def _show(found: calendar_views.Calendar, now: dt.datetime, *, utc: bool) -> None:
    for day, entries in groupby(found.entries, key=attrgetter("day")):
        output.line(f"{day}{' today' if day == now.date() else ''}")
        for one in entries:
            at = f", {rfc3339(one.at) if utc else f'{one.at:%H:%M} UTC ({shown(one.at, now)})'}" if one.at else ""
            output.line(f"  {one.article}  {_WORDS[one.kind]}{at}: {one.title}")
    if not found.entries:
        output.line(f"nothing goes live, ends its embargo or falls due for review from {found.first} to {found.last}")
    if not found.complete:
        output.note(f"no more than {calendar_views.MOST} of each kind are shown")
    if found.overdue:
        some = "1 article is" if found.overdue == 1 else f"{found.overdue} articles are"
        output.note(f"{some} overdue for review already: see `citewire attention`")
