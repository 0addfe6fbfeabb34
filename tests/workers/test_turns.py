"""At most so many threads run a stage, and work for one part of it."""

from __future__ import annotations

from pipeline.stages.flow import STAGES
from pipeline.stages.hub import LANES, Hub
from workers.turns import Turns


def test_a_turn_is_refused_while_all_are_taken() -> None:
    turns = Turns(2, None)
    assert [turns.take(key) for key in ("one", "two", "three")] == [True, True, False]
    turns.give_back("one")
    assert turns.take("three")


def test_a_key_has_turns_of_its_own() -> None:
    turns = Turns(None, 1)
    assert [turns.take(key) for key in ("one", "one", "two")] == [True, False, True]
    turns.give_back("one")
    assert turns.take("one")
    assert not turns.take("two")


def test_without_a_limit_every_turn_is_given() -> None:
    turns = Turns(None, None)
    assert all(turns.take("same") for _ in range(100))


def test_strangers_calls_take_a_thread_for_each_lane_however_often_it_is_rung_for() -> None:
    """Else whoever floods the hub with requests takes every thread that delivers."""
    (stage,) = (stage for stage in STAGES if isinstance(stage, Hub))
    turns = Turns(stage.threads, stage.threads_with_key)
    assert sum(turns.take(lane) for lane in LANES * 20) == len(LANES)
