"""Parse dates as authors and pages write them, into aware UTC datetimes and plain days."""

from __future__ import annotations

import datetime as dt
import re

from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.text import line

_HINT = "write it as 2026-02-23 or 2026-02-23T09:30:00Z"
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:?\d{2})?)?", re.IGNORECASE
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")  # the day comes first wherever dates are written with dots
_WORDS = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})|(\d{1,2}) ([A-Za-z]{3,9})\.?,? (\d{4})")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_FIRST_YEAR, LAST_YEAR = 1900, 2200


def moment(value: object, *, day_first: bool | None = None) -> dt.datetime:
    """Read an ISO 8601 date or date and time (naive: UTC), "23.2.2026", "2/23/2026" or "February 23, 2026"; in UTC.

    `day_first` decides how 03/04/2026 is read; if it is None, such a date is refused, showing both readings.
    """
    if isinstance(value, dt.datetime):
        found = value
    elif isinstance(value, dt.date):
        found = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    elif isinstance(value, str):
        found = _read(line(value), day_first)
    else:
        raise InvalidValue(f"{quoted(value)} is not a date", hint=_HINT)
    if not _FIRST_YEAR <= found.year <= LAST_YEAR:
        raise InvalidValue(f"{quoted(str(value))} is not a date between {_FIRST_YEAR} and {LAST_YEAR}", hint=_HINT)
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def day(value: object, *, day_first: bool | None = None) -> dt.date:
    """Read a date as `moment` does, without its time."""
    return moment(value, day_first=day_first).date()


def _read(text: str, day_first: bool | None) -> dt.datetime:
    try:
        if iso := _ISO.fullmatch(text):
            date, time, zone = iso.groups()
            return dt.datetime.fromisoformat(f"{date}T{time or '00:00'}{(zone or '').upper()}")
        if dotted := _DOTTED.fullmatch(text):
            return dt.datetime(int(dotted[3]), int(dotted[2]), int(dotted[1]), tzinfo=dt.UTC)
        if slashed := _SLASHED.fullmatch(text):
            return _slashed(text, int(slashed[3]), int(slashed[1]), int(slashed[2]), day_first)
        if words := _WORDS.fullmatch(text):
            month, day_, year = (words[1], words[2], words[3]) if words[1] else (words[5], words[4], words[6])
            return dt.datetime(int(year), _month(month), int(day_), tzinfo=dt.UTC)
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue(f"{quoted(text)} is not a day of the calendar", hint=_HINT) from error
    raise InvalidValue(f"{quoted(text)} is not a date that can be read", hint=_HINT)


def _slashed(text: str, year: int, one: int, other: int, day_first: bool | None) -> dt.datetime:
    """Read a date such as 03/04/2026, whose order only its numbers or its writer's country can tell."""
    if one != other and one <= 12 and other <= 12 and day_first is None:
        british, american = dt.date(year, other, one), dt.date(year, one, other)
        raise InvalidValue(
            f"{quoted(text)} may be {british.day} {_MONTHS[british.month - 1].title()} {year} "
            f"or {_MONTHS[american.month - 1].title()} {american.day}, {year}",
            hint=f"write {british} or {american}",
        )
    month, day_ = (other, one) if one > 12 or (day_first and other <= 12) else (one, other)
    return dt.datetime(year, month, day_, tzinfo=dt.UTC)


def _month(name: str) -> int:
    for number, month in enumerate(_MONTHS, 1):
        if month == name.lower() or (len(name) in (3, 4) and month.startswith(name.lower())):
            return number
    raise ValueError(name)
