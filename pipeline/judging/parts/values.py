"""Addresses, dates and ids as formats require them."""

from __future__ import annotations

import datetime as dt
import re
import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9!#$&'()*+,/:;=?@\[\]_~.-]|%[0-9A-Fa-f]{2})+")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REDUCED = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_RFC822 = re.compile(
    r"(?:(?P<day>Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?[0-9]{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
    r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})? (?:GMT|UT|[+-][0-9]{4})"
)
_QUOTED = 60  # characters
_SHORT = reprlib.Repr()  # which ends at some depth: a value may be nested as deeply as it could just be read
_SHORT.maxother = _QUOTED


def quoted(value: object) -> str:
    """Return the value as a detail quotes it."""
    text = value if isinstance(value, str) else _SHORT.repr(value)
    short = text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
    return repr(short) if isinstance(value, str) else short


def repeated(values: Iterable[object]) -> Iterator[str]:
    """Say which values are there more than once."""
    counted = Counter(value if isinstance(value, str) else quoted(value) for value in values)
    yield from (f"{quoted(value)} is there {count} times" for value, count in counted.items() if count > 1)


def is_uri(value: object) -> bool:
    """Return whether the value is an absolute URI (RFC 3986, section 4.3), with a fragment or without."""
    if not isinstance(value, str) or not _URI.fullmatch(value):
        return False
    try:
        urlsplit(value)
    except ValueError:  # a bracket without its mate
        return False
    return True


def is_web_address(value: object) -> bool:
    """Return whether the value is an absolute URI of http or https."""
    return is_uri(value) and str(value).lower().startswith(("http://", "https://"))


def is_link(value: object) -> bool:
    """Return whether a reader can follow the value from anywhere: an address on the web, or for a mail."""
    return is_uri(value) and str(value).lower().startswith(("http://", "https://", "mailto:"))


def is_rfc3339(value: object) -> bool:
    """Return whether the value is a date-time of RFC 3339, section 5.6, with capital letters."""
    return isinstance(value, str) and _RFC3339.fullmatch(value) is not None and _is_iso(value)


def is_day(value: object) -> bool:
    """Return whether the value is a full date of RFC 3339: `2025-03-14`."""
    return isinstance(value, str) and _DAY.fullmatch(value) is not None and _is_iso(value)


def is_year_or_month(value: object) -> bool:
    """Return whether the value is a year or a month of ISO 8601: `2025`, `2025-03`."""
    return isinstance(value, str) and _REDUCED.fullmatch(value) is not None


def is_rfc822(value: str) -> bool:
    """Return whether the value is a date-time of RFC 822, section 5: a year of four digits, the right weekday."""
    found = _RFC822.fullmatch(value)
    if found is None:
        return False
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return False
    return found["day"] in (None, _DAYS[moment.weekday()])


def _is_iso(value: str) -> bool:
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
