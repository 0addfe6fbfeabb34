"""Run calls concurrently with a per-host limit, so that a slow host cannot starve the others."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

PER_HOST = 8  # concurrent calls to one host
_LOOK_AGAIN = 0.5  # seconds after a claim that found nothing, while calls are under way: they may take much longer


class Lane(Protocol[T]):
    """A kind of call: which ones are due, and how each is made."""

    @property
    def parallel(self) -> int: ...

    def claim(self, limit: int, busy: frozenset[str]) -> Sequence[T]:
        """Lease a few calls that are due, none to the hosts in `busy` where the lane can tell."""
        ...

    def host(self, call: T) -> str: ...

    def make(self, call: T) -> None:
        """Make the call and record its outcome. Never raises."""
        ...

    def close(self) -> None:
        """Close the connections of the calling thread, which makes no further calls."""
        ...

    def release(self, calls: Sequence[T]) -> None:
        """Release the calls that were claimed but not made."""
        ...


def run(lane: Lane[T], *, seconds: float) -> bool:
    """Make calls until none is due or the time is up; return whether none was left."""
    pool = _Pool(lane, time.monotonic() + seconds)
    with ThreadPoolExecutor(lane.parallel, thread_name_prefix="hub") as threads:
        for each in [threads.submit(pool.work) for _ in range(lane.parallel)]:
            each.result()
    return pool.end()


class _Pool(Generic[T]):
    """The state that the threads share."""

    def __init__(self, lane: Lane[T], until: float) -> None:
        self._lane, self._until = lane, until
        self._waiting: list[T] = []
        self._busy: Counter[str] = Counter()
        self._look_at = 0.0  # when to claim next, by time.monotonic(); 0: there may be more now
        self._change = threading.Condition()

    def work(self) -> None:
        """Make calls; each thread runs this."""
        while (call := self._next()) is not None:
            try:
                self._lane.make(call)
            finally:
                self._made(self._lane.host(call))
        self._lane.close()

    def end(self) -> bool:
        """Release the calls that were not made; return whether none was left."""
        if self._waiting:
            self._lane.release(self._waiting)
        return self._look_at > 0 and not self._waiting

    def _made(self, host: str) -> None:
        with self._change:
            if self._busy[host] >= PER_HOST:
                self._look_at = 0.0  # the last claim left this host out
            self._busy[host] -= 1
            self._change.notify_all()

    def _next(self) -> T | None:
        """Return the next call to a host below its limit, or None when there is nothing more to do."""
        with self._change:
            while (now := time.monotonic()) < self._until:
                call = self._first_allowed()
                if call is not None:
                    return call
                if now >= self._look_at and len(self._waiting) < self._lane.parallel and self._claim(now):
                    continue
                if not self._waiting and not any(self._busy.values()):
                    return None
                self._change.wait(_LOOK_AGAIN)
            return None

    def _first_allowed(self) -> T | None:
        for position, call in enumerate(self._waiting):
            host = self._lane.host(call)
            if self._busy[host] < PER_HOST:
                del self._waiting[position]
                self._busy[host] += 1
                return call
        return None

    def _claim(self, now: float) -> bool:
        full = frozenset(host for host, calls in self._busy.items() if calls >= PER_HOST)
        found = self._lane.claim(self._lane.parallel, full)
        self._waiting += found
        self._look_at = 0.0 if found else now + _LOOK_AGAIN
        return bool(found)
