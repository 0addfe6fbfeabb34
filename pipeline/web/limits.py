"""How often a caller may ask: a token bucket for each, shared by all processes where that can be had."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from pipeline.web.problems import Problem

_KNOWN = 10_000  # callers that are remembered at most


class Rate(Struct, frozen=True):
    """So many requests a second, and so many at once after a while of silence."""

    per_second: float
    burst: int


class Limiter(Protocol):
    def take(self, caller: str, rate: Rate) -> float:
        """Seconds until `caller` may ask; 0: now, which is counted. Never raises."""
        ...


class LocalLimiter:
    """For one process; safe to use from its threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when each caller's bucket is full again
        self._lock = threading.Lock()

    def take(self, caller: str, rate: Rate) -> float:
        with self._lock:
            now = self._clock()
            full_at, wait = taken(self._full_at.pop(caller, now), now, rate)
            self._full_at[caller] = full_at
            if len(self._full_at) > _KNOWN:
                self._full_at.popitem(last=False)
            return wait


def taken(full_at: float, now: float, rate: Rate) -> tuple[float, float]:
    """When the bucket is full again after this request, and how long that has to wait first; 0: it may go.

    The whole bucket is one time (GCRA): what is missing in it is refilled by then.
    """
    step = 1 / rate.per_second
    next_full = max(full_at, now) + step
    wait = next_full - now - rate.burst * step
    return (full_at, wait) if wait > 1e-9 else (next_full, 0.0)


def allow(limiter: Limiter, caller: str, rate: Rate) -> None:
    """Raises Problem 429 with `Retry-After` where the caller asks too often."""
    wait = limiter.take(caller, rate)
    if wait > 0:
        detail = f"more than {rate.per_second:g} requests a second: ask again later"
        raise Problem(429, "too-many-requests", detail, {"Retry-After": str(math.ceil(wait))})
