"""Calls of a lane of the hub are made concurrently, and one that hangs holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from waiting import PATIENCE, until

from pipeline.stages.hub import pool


class Calls:
    """A lane whose calls are names. A call that begins with "hangs" lasts until it is let go."""

    parallel = 2

    def __init__(self, *due: str) -> None:
        self.due, self.made, self.released = list(due), list[str](), list[str]()
        self.hanging, self.let_go = threading.Event(), threading.Event()

    def claim(self, limit: int, busy: frozenset[str]) -> Sequence[str]:
        found, self.due = self.due[:limit], self.due[limit:]
        return found

    def host(self, call: str) -> str:
        return call

    def make(self, call: str) -> None:
        if call.startswith("hangs"):
            self.hanging.set()
            assert self.let_go.wait(PATIENCE)
        self.made.append(call)

    def close(self) -> None: ...

    def release(self, calls: Sequence[str]) -> None:
        self.released += calls


def test_calls_that_become_due_while_one_hangs_are_made_meanwhile() -> None:
    calls = Calls("hangs", "first")
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(pool.run, calls, seconds=PATIENCE)
        assert calls.hanging.wait(PATIENCE)
        until(lambda: calls.made == ["first"])
        calls.due.append("second")
        until(lambda: calls.made == ["first", "second"])
        calls.let_go.set()
        assert running.result(PATIENCE) is True
    assert calls.made == ["first", "second", "hangs"]


def test_what_is_not_begun_when_the_time_is_up_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, now = Calls("first", "second", "third"), [0.0]

    def claim(limit: int, busy: frozenset[str]) -> Sequence[str]:
        now[0] = PATIENCE  # it takes all the time that there is
        return Calls.claim(calls, limit, busy)

    monkeypatch.setattr(calls, "claim", claim)
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert pool.run(calls, seconds=PATIENCE) is False
    assert (calls.made, calls.released, calls.due) == ([], ["first", "second"], ["third"])
