"""Times and numbers as the console says them."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.model.words import count, relative, span
from pipeline.web.console.words import utc

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (1, "1 s"), (90, "90 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"),
     (172_799, "47 h"), (172_800, "2 d"), (8_640_000, "100 d")],
)  # fmt: skip
def test_a_duration_is_in_the_largest_unit_that_counts_to_two(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_a_moment_is_before_now_or_after_it() -> None:
    assert relative(NOW - dt.timedelta(minutes=4), NOW) == "4 min ago"
    assert relative(NOW + dt.timedelta(seconds=40), NOW) == "in 40 s"
    assert relative(NOW, NOW) == "now"


def test_a_moment_is_shown_in_utc_wherever_it_comes_from() -> None:
    elsewhere = NOW.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    assert utc(elsewhere) == "2026-03-01 12:00:00 UTC"


def test_one_is_not_many() -> None:
    assert (count(1, "delivery", "deliveries"), count(1_200, "article")) == ("1 delivery", "1,200 articles")
