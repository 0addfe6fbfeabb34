"""Times and sentences as the console's pages show them. Pure."""

from __future__ import annotations

import datetime as dt


def utc(moment: dt.datetime) -> str:
    """Return the moment as people read it: `2026-03-01 12:00:05 UTC`."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(moment: dt.datetime) -> str:
    """Return the moment as programs read it."""
    return moment.isoformat(timespec="seconds")


def clock(moment: dt.datetime, now: dt.datetime) -> str:
    """Return the time of day, with the day if it is another one than now."""
    there, here = moment.astimezone(dt.UTC), now.astimezone(dt.UTC)
    return f"{there:{'%H:%M' if there.date() == here.date() else '%Y-%m-%d %H:%M'}} UTC"


def hour(moment: dt.datetime) -> str:
    """Return the time of day: `09:00`."""
    return f"{moment.astimezone(dt.UTC):%H:%M}"


def sentence(words: str) -> str:
    """Return the words as a sentence of its own."""
    return f"{words[:1].upper()}{words[1:]}."
