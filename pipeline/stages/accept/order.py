"""Decide whether an event is older than an earlier one from its source about the same article.

Events are processed in order of arrival, because a sender's clock may be hours off. `time` and `sequence` only serve to
identify an event that was delayed in transit. If both events have a `sequence`, it alone decides. Otherwise `time`
does, unless the source's clock has been ahead of ours, in which case its times say nothing about order, or has been set
back. That looks like a delay, and two things tell it apart: an update cannot have happened before the publication that
the source sent first, and the times of two events that were delayed do not keep pace with our clock.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipeline.ledger import Transaction
from pipeline.ledger.articles import events
from pipeline.ledger.articles.events import Timed, Times
from pipeline.model.event import Event, Publish, Withdraw

AHEAD = dt.timedelta(minutes=1)  # a clock that is further off says nothing about order
APART = dt.timedelta(seconds=20)  # between the arrivals of two events that show how a clock runs
UNSTEADY = dt.timedelta(seconds=2)  # by how much the transit of two events may differ where nothing is wrong

Order = Literal["next", "set-back", "overtaken"]  # set-back: next, by a clock that has been set back


def order_of(transaction: Transaction, event: Event, *, now: dt.datetime) -> Order:
    """Return whether a newer event from the same source is known. A withdrawal is never overtaken."""
    if isinstance(event, Withdraw):
        return "next"
    origin, article_id = event.origin, event.article_id
    if origin.sequence is not None:
        known = events.sequences(transaction, article_id, origin.source)
        if known:
            return "overtaken" if _rank(origin.sequence) < max(map(_rank, known)) else "next"
    if origin.time is None or origin.time >= now:
        return "next"
    times = Times(transaction, article_id, origin.source)
    newest = times.newest()
    if newest is None or newest.time > newest.accepted + AHEAD or origin.time >= min(newest.time, newest.accepted):
        return "next"
    return "set-back" if _is_set_back(event, origin.time, times, now) else "overtaken"


def _is_set_back(event: Publish, time: dt.datetime, times: Times, now: dt.datetime) -> bool:
    """Return whether the event's time shows that its sender's clock was set back, which no delay would."""
    first = times.oldest()
    if event.stated == "updated" and first is not None and first.stated == "published" and time < first.time:
        return True
    before = times.last_overtaken()
    return before is not None and _keeps_pace(before, time, now)


def _keeps_pace(before: Timed, time: dt.datetime, now: dt.datetime) -> bool:
    passed = now - before.accepted
    return passed >= APART and abs((time - before.time) - passed) <= UNSTEADY


def _rank(sequence: str) -> tuple[int, str]:
    """Return a sort key: integers by value, whatever their leading zeros; other text by its characters."""
    digits = sequence.lstrip("0") if sequence.isascii() and sequence.isdigit() else ""
    return len(digits), digits or sequence
