"""Times for people: how far away they are or, under `--utc`, what they are. Pure."""

from __future__ import annotations

import datetime as dt

from pipeline.model.moment import rfc3339

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_TWICE = 2  # of a unit, below which the next smaller one is used: "90 s" says more than "1 min"


def relative(moment: dt.datetime, now: dt.datetime) -> str:
    """Return "4 min ago", "in 40 s" or "now"."""
    seconds = round((moment - now).total_seconds())
    if seconds == 0:
        return "now"
    length = abs(seconds)
    size, unit = next((size, unit) for size, unit in _UNITS if length >= _TWICE * size or size == 1)
    words = f"{round(length / size)} {unit}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def shown(moment: dt.datetime | None, now: dt.datetime, *, utc: bool = False) -> str:
    """Return a time as a table shows it; nothing for None."""
    if moment is None:
        return ""
    return rfc3339(moment) if utc else relative(moment, now)
