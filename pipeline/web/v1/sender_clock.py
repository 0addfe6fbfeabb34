"""Correct the times of events by the clock of their sender, which it may give in the request's `Date` header.

When a sender's clock is set back, its next event claims to have happened before the last one, as if it had been delayed
on its way. `Date` distinguishes the two: it is the sender's time when it sends (RFC 9110, section 6.6.1).
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime

from msgspec import structs

from pipeline.model.event import Event, Origin
from pipeline.stages.accept.order import AHEAD


def by_our_clock(events: Sequence[Event], headers: Mapping[str, str], now: dt.datetime) -> list[Event]:
    """Return the events with the times that our clock showed when they happened, if their sender's clock is behind."""
    behind = now - (_sent(headers.get("date", "")) or now)
    if behind <= AHEAD:  # a time ahead of its arrival is reported to the sender instead
        return list(events)
    return [structs.replace(event, origin=_later(event.origin, behind)) for event in events]


def _later(origin: Origin, behind: dt.timedelta) -> Origin:
    if origin.time is None:
        return origin
    with contextlib.suppress(OverflowError):
        return structs.replace(origin, time=origin.time + behind)
    return origin


def _sent(date: str) -> dt.datetime | None:
    try:
        sent = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return sent if sent.tzinfo is not None else sent.replace(tzinfo=dt.UTC)
