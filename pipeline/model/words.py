"""How far away a time is, how long something takes and how many there are, as people say it. Pure."""

from __future__ import annotations

import datetime as dt

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_TWICE = 2  # of a unit, below which the next smaller one is used: "90 s" says more than "1 min"


def span(seconds: float) -> str:
    """Return a duration in its largest unit that counts to two at least: `90 s`, `119 min`, `3 d`."""
    whole = round(seconds)
    size, unit = next(((size, unit) for size, unit in _UNITS if whole >= size * _TWICE), (1, "s"))
    return f"{whole // size} {unit}"


def relative(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how far away the moment is: `4 min ago`, `in 40 s`, `now`."""
    seconds = round((moment - now).total_seconds())
    if seconds == 0:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def later(seconds: float) -> str:
    """Return how long after something else it was, of short times in milliseconds: `400 ms later`, `2 min later`.

    Two processes may disagree by a moment: what was before the other was at once.
    """
    milliseconds = round(seconds * 1000)
    if milliseconds <= 0:
        return "at once"
    return f"{milliseconds} ms later" if seconds < _TWICE else f"{span(seconds)} later"


def count(number: int, one: str, more: str | None = None) -> str:
    """Return `1 article` or `3 articles`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
