"""Many calls at once, a few to each host: whoever is slow takes up a thread, and nobody's turn."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

PER_HOST = 8  # calls to one host at once


class Calls(Protocol[T]):
    """A lane: what it has to do, and how."""

    @property
    def parallel(self) -> int: ...

    def claim(self, limit: int, busy: frozenset[str]) -> Sequence[T]:
        """Lease a few that are due; none of hosts that are busy, where that can be had."""
        ...

    def host(self, call: T) -> str: ...

    def make(self, call: T) -> None:
        """Make the call and write down what became of it. Raises nothing."""
        ...

    def close(self) -> None:
        """The calling thread makes no more calls."""
        ...

    def release(self, calls: Sequence[T]) -> None:
        """Give back what was claimed and not made."""
        ...


def run(calls: Calls[T], *, seconds: float) -> bool:
    """Until nothing is due any more, or for about so long. Whether nothing was left."""
    turn = _Turn(calls, time.monotonic() + seconds)
    with ThreadPoolExecutor(calls.parallel, thread_name_prefix="hub") as pool:
        for each in [pool.submit(turn.work) for _ in range(calls.parallel)]:
            each.result()
    return turn.ended()


class _Turn(Generic[T]):
    """What the threads share."""

    def __init__(self, calls: Calls[T], until: float) -> None:
        self._calls, self._until = calls, until
        self._waiting: list[T] = []
        self._busy: Counter[str] = Counter()
        self._empty = False  # nothing was due at the last look, and nothing has been made since
        self._change = threading.Condition()

    def work(self) -> None:
        """What each thread does."""
        while (call := self._next()) is not None:
            try:
                self._calls.make(call)
            finally:
                self._made(self._calls.host(call))
        self._calls.close()

    def ended(self) -> bool:
        """Give back what is left. Whether nothing was."""
        if self._waiting:
            self._calls.release(self._waiting)
        return self._empty and not self._waiting

    def _made(self, host: str) -> None:
        with self._change:
            if self._busy[host] >= PER_HOST:
                self._empty = False  # there is room again where there was none at the last look
            self._busy[host] -= 1
            self._change.notify_all()

    def _next(self) -> T | None:
        """The next call whose host has room; None when there is nothing more to do."""
        with self._change:
            while True:
                if time.monotonic() >= self._until:
                    return None
                call = self._first_with_room()
                if call is not None:
                    return call
                if not self._empty and len(self._waiting) < self._calls.parallel and self._claim():
                    continue
                if not self._waiting:
                    return None
                self._change.wait(1.0)

    def _first_with_room(self) -> T | None:
        for position, call in enumerate(self._waiting):
            host = self._calls.host(call)
            if self._busy[host] < PER_HOST:
                del self._waiting[position]
                self._busy[host] += 1
                return call
        return None

    def _claim(self) -> bool:
        """Take what is due at hosts that have room."""
        full = frozenset(host for host, under_way in self._busy.items() if under_way >= PER_HOST)
        found = self._calls.claim(self._calls.parallel, full)
        self._waiting += found
        self._empty = not found
        return bool(found)
