from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.enrich.ncbi_night import is_night, next_nightly_check

SITE = "https://notes.example.org"


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2026-03-03T01:59Z", False),  # Monday 20:59 Eastern
        ("2026-03-03T02:00Z", True),
        ("2026-03-03T09:59Z", True),
        ("2026-03-03T10:00Z", False),  # Tuesday 05:00
        ("2026-07-07T01:00Z", True),  # Monday 21:00, in summer time
        ("2026-07-07T09:00Z", False),
        ("2026-03-07T17:00Z", True),  # Saturday noon
        ("2026-03-07T05:00Z", True),  # the night from Friday to Saturday
        ("2026-03-09T03:59Z", True),  # Sunday 23:59, on the day on which clocks change
        ("2026-03-09T09:00Z", False),  # Monday 05:00
    ],
)
def test_nights_are_ncbis_and_weekends_are_nights(at: str, night: bool) -> None:
    assert is_night(dt.datetime.fromisoformat(at)) is night


_FROM, _TO = dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31)  # noqa: DTZ001 (as hypothesis asks for them)
moments = st.datetimes(_FROM, _TO, timezones=st.just(dt.UTC))


@given(at=moments, nights=st.integers(1, 10), chance=st.floats(0, 1, exclude_max=True), site=st.text())
def test_the_next_look_is_at_night_after_as_many_nights(at: dt.datetime, nights: int, chance: float, site: str) -> None:
    look = next_nightly_check(at, nights=nights, chance=chance, site=site)
    assert is_night(look)
    assert dt.timedelta(days=nights - 1) < look - at < dt.timedelta(days=nights, hours=9)


def test_a_sites_looks_of_one_night_fall_together_so_that_they_share_requests() -> None:
    at = dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)
    looks = {next_nightly_check(at, nights=1, chance=chance / 1000, site=SITE) for chance in range(1000)}
    assert len(looks) == 7
    assert {(look - min(looks)).total_seconds() % 3600 for look in looks} == {0}


def test_two_sites_do_not_ask_at_the_same_minute() -> None:
    at = dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)
    looks = {next_nightly_check(at, nights=1, chance=0, site=f"https://{n}.example.org") for n in range(20)}
    assert len(looks) > 15
