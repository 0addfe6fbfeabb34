"""Test files are begun so that at any time some wait and some compute, and no long one begins last."""

from __future__ import annotations

from pathlib import Path

from spread import _LONG, WAITING, in_order, seconds_of

TESTS = Path(__file__).parent


def test_waiting_files_are_spread_among_those_that_compute_with_the_longest_first() -> None:
    seconds = {"cli/a": 1.0, "cli/b": 2.0, "faults/c": 1.0, "model/d": 4.0, "model/e": 2.0, "web/f": 2.0}
    assert in_order(seconds) == ["cli/b", "model/d", "cli/a", "model/e", "faults/c", "web/f"]


def test_every_file_is_begun_once() -> None:
    seconds = {f"{folder}/test_{number}.py": number for folder in ("cli", "web") for number in range(9)}
    assert sorted(in_order(seconds)) == sorted(seconds)
    assert in_order({}) == []


def test_a_long_file_counts_with_its_own_seconds_and_others_by_their_tests() -> None:
    assert seconds_of("stages/test_in_turn.py", 2) > seconds_of("stages/test_x.py", 2) == 0.6


def test_the_files_and_folders_that_are_named_are_there() -> None:
    assert [name for name in (*_LONG, *WAITING) if not (TESTS / name).exists()] == []
