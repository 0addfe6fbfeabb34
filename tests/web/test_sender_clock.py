"""A sender whose clock is behind is distinguished from a delayed event, if the request gives the sender's time."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest

from pipeline.model.event import Origin, Withdraw
from pipeline.web.v1.sender_clock import by_our_clock

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def corrected(happened: dt.datetime | None, headers: dict[str, str]) -> dt.datetime | None:
    (event,) = by_our_clock([Withdraw(Origin(source="cms", id="1", time=happened), "a", "Wrong.")], headers, NOW)
    return event.origin.time


@pytest.mark.parametrize("back", [HOUR, 2 * HOUR])
def test_a_time_by_a_clock_that_is_behind_is_corrected(back: dt.timedelta) -> None:
    assert corrected(NOW - back, {"date": format_datetime(NOW - back, usegmt=True)}) == NOW


def test_an_event_that_was_delayed_keeps_its_time() -> None:
    assert corrected(NOW - HOUR, {"date": format_datetime(NOW, usegmt=True)}) == NOW - HOUR


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"date": "yesterday"},
        {"date": "Mon, 99 Mar 2026 12:00:00 GMT"},
        {"date": format_datetime(NOW + HOUR)},  # a clock ahead is said instead
        {"date": format_datetime(NOW - dt.timedelta(seconds=30))},
    ],
)
def test_without_a_clock_that_is_certainly_behind_nothing_is_corrected(headers: dict[str, str]) -> None:
    assert corrected(NOW - HOUR, headers) == NOW - HOUR


def test_a_time_at_the_edge_and_no_time_stay() -> None:
    edge = dt.datetime.max.replace(tzinfo=dt.UTC)
    date = {"date": format_datetime(NOW - HOUR, usegmt=True)}
    assert (corrected(edge, date), corrected(None, date)) == (edge, None)
