"""Dates as authors and pages write them, as aware UTC moments and plain days."""

from __future__ import annotations

import datetime as dt
import re

from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.text import line

_HINT = "write it as 2026-02-23 or 2026-02-23T09:30:00Z"
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:?\d{2})?)?", re.IGNORECASE
)
_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
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
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def moment(value: object) -> dt.datetime:
    """An ISO 8601 date or date and time (naive: UTC), "2/23/2026" (month first) or "February 23, 2026"; in UTC."""
    if isinstance(value, dt.datetime):
        found = value
    elif isinstance(value, dt.date):
        found = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    elif isinstance(value, str):
        found = _read(line(value))
    else:
        raise InvalidValue(f"{quoted(value)} is not a date", hint=_HINT)
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise InvalidValue(f"{quoted(str(value))} is not a date between {_FIRST_YEAR} and {_LAST_YEAR}", hint=_HINT)
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def day(value: object) -> dt.date:
    """As `moment`, without its time."""
    return moment(value).date()


def _read(text: str) -> dt.datetime:
    try:
        if iso := _ISO.fullmatch(text):
            date, time, zone = iso.groups()
            return dt.datetime.fromisoformat(f"{date}T{time or '00:00'}{(zone or '').upper()}")
        if us := _US.fullmatch(text):
            return dt.datetime(int(us[3]), int(us[1]), int(us[2]), tzinfo=dt.UTC)
        if words := _WORDS.fullmatch(text):
            month, day_, year = (words[1], words[2], words[3]) if words[1] else (words[5], words[4], words[6])
            return dt.datetime(int(year), _month(month), int(day_), tzinfo=dt.UTC)
    except ValueError as error:
        raise InvalidValue(f"{quoted(text)} is not a day of the calendar", hint=_HINT) from error
    raise InvalidValue(f"{quoted(text)} is not a date that can be read", hint=_HINT)


def _month(name: str) -> int:
    for number, month in enumerate(_MONTHS, 1):
        if month == name.lower() or (len(name) in (3, 4) and month.startswith(name.lower())):
            return number
    raise ValueError(name)
