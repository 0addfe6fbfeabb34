"""NCBI's night hours, and the moment in them at which a site checks a reference again. Pure.

NCBI asks for large jobs on weekends or between 9 p.m. and 5 a.m. Eastern time on weekdays.
Source: Entrez Programming Utilities Help (NBK25497), "Frequency, Timing and Registration of E-utility URL Requests".
"""

from __future__ import annotations

import datetime as dt
import zlib
from zoneinfo import ZoneInfo

_EASTERN = ZoneInfo("America/New_York")
_BEGINS, _ENDS = dt.time(21), dt.time(5)
_SATURDAY = 5  # dt.date.weekday
_SLOTS = 7  # of an hour each; the last hour of a night is reserved for requests left over from the others


def is_night(at: dt.datetime) -> bool:
    """Return whether NCBI allows bulk work at this moment (aware)."""
    there = at.astimezone(_EASTERN)
    return there.weekday() >= _SATURDAY or there.time() >= _BEGINS or there.time() < _ENDS


def next_nightly_check(at: dt.datetime, *, nights: int, chance: float, site: str) -> dt.datetime:
    """Return a moment in the n-th night after `at`, counting from the current night if `at` is in one.

    A site checks its references in a few slots, so that they share requests; `chance`, in [0, 1), picks the slot.
    Where in the hour a site's slots begin depends on its address, so that not all sites ask on the hour.
    """
    last_begun = (at.astimezone(_EASTERN) - dt.timedelta(hours=_BEGINS.hour)).date()
    begins = dt.datetime.combine(last_begun + dt.timedelta(days=nights), _BEGINS, tzinfo=_EASTERN).astimezone(dt.UTC)
    offset = zlib.crc32(site.encode()) % 3600
    return begins + dt.timedelta(hours=int(chance * _SLOTS), seconds=offset)
