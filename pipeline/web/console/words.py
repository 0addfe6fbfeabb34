"""Times as people say them. Pure."""

from __future__ import annotations

import datetime as dt

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_MOST = 2  # of the larger unit, below which the smaller one says more


def utc(moment: dt.datetime) -> str:
    """Return the moment as people read it: `2026-03-01 12:00:05 UTC`."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(moment: dt.datetime) -> str:
    """Return the moment as programs read it."""
    return moment.isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """Return a duration in its largest unit that counts to two at least: `90 s`, `119 min`, `3 d`."""
    whole = round(seconds)
    size, unit = next(((size, unit) for size, unit in _UNITS if whole >= size * _MOST), (1, "s"))
    return f"{whole // size} {unit}"


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how far away the moment is: `4 min ago`, `in 40 s`, `now`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def count(number: int, one: str, more: str | None = None) -> str:
    """Return `1 article` or `3 articles`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def sentence(words: str) -> str:
    """Return the words as a sentence of its own."""
    return f"{words[:1].upper()}{words[1:]}."
