"""When to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.timing import DEFAULT_SCHEDULE, LONGEST_WISH, SHORTEST, next_delay, repeating, unforeseen

schedules = st.lists(st.floats(0.1, 1e6), min_size=1, max_size=12)
jitters = st.floats(0, 1, exclude_max=True)


def test_the_default_schedule_goes_from_seconds_to_a_day() -> None:
    delays = [next_delay(attempt, DEFAULT_SCHEDULE, jitter=0.99999999) for attempt in range(1, 11)]
    steps = [delay if delay is None else round(delay) for delay in delays]
    assert steps == [5, 30, 120, 600, 1800, 7200, 21600, 43200, 86400, None]


@given(schedules, jitters, st.data())
def test_a_delay_lies_between_a_second_and_the_step(schedule: list[float], jitter: float, data: st.DataObject) -> None:
    attempt = data.draw(st.integers(1, len(schedule)))
    delay = next_delay(attempt, schedule, jitter=jitter)
    assert delay is not None
    assert min(schedule[attempt - 1], SHORTEST) <= delay <= schedule[attempt - 1]


@given(schedules, st.integers(1, 5), jitters, st.none() | st.floats(0, 1e9))
def test_after_the_last_step_it_is_given_up(
    schedule: list[float], beyond: int, jitter: float, wish: float | None
) -> None:
    assert next_delay(len(schedule) + beyond, schedule, jitter=jitter, retry_after=wish) is None


@given(schedules, jitters, st.floats(0, 1e9))
def test_nobody_is_asked_earlier_than_they_wish_up_to_a_day(schedule: list[float], jitter: float, wish: float) -> None:
    plain = next_delay(1, schedule, jitter=jitter)
    wished = next_delay(1, schedule, jitter=jitter, retry_after=wish)
    assert plain is not None
    assert wished == max(plain, min(wish, LONGEST_WISH))


@given(schedules.map(lambda steps: [max(step, SHORTEST) for step in steps]))
def test_no_jitter_at_all_is_the_shortest_delay(schedule: list[float]) -> None:
    assert next_delay(1, schedule, jitter=0.0) == SHORTEST


def test_a_crowd_that_failed_together_comes_back_apart() -> None:
    delays = [next_delay(3, DEFAULT_SCHEDULE, jitter=n / 100) for n in range(100)]
    assert len(set(delays)) == 100


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1)])
def test_a_callers_mistake_is_not_taken_for_a_delay(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempts count from 1"):
        next_delay(attempt, DEFAULT_SCHEDULE, jitter=jitter)


def test_a_schedule_repeats_its_last_pause() -> None:
    assert [repeating((1.0, 2.0, 5.0), failures) for failures in range(5)] == [1.0, 2.0, 5.0, 5.0, 5.0]


def test_a_pause_doubles_up_to_its_limit_however_often_something_fails() -> None:
    assert [unforeseen(failures) for failures in (0, 1, 2, 7, 8, 10_000)] == [2.0, 4.0, 8.0, 256.0, 300.0, 300.0]
