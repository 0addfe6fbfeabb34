"""Rate limits: a token bucket for each caller, shared by all processes where Redis answers."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from pipeline.web.problems import Problem

_KNOWN = 10_000  # maximum number of callers that are remembered
_NOTHING = 1e-6  # seconds, less than a clock's rounding


class Rate(Struct, frozen=True):
    """Sustained requests per second, and how many may arrive at once after a pause."""

    per_second: float
    burst: int


class Limiter(Protocol):
    def take(self, caller: str, rate: Rate) -> float:
        """Return the seconds that `caller` has to wait. 0 allows the request and counts it. Never raises."""
        ...


class LocalLimiter:
    """A limiter for a single process, safe to share between its threads."""

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
    """Return when the bucket is full again after this request, and the seconds that the request must wait first.

    The time at which the bucket is full again represents its contents (GCRA). `workers/rates.py` does the same in Lua.
    """
    step = 1 / rate.per_second
    next_full = max(full_at, now) + step
    wait = next_full - now - rate.burst * step
    return (full_at, wait) if wait > _NOTHING else (next_full, 0.0)


def allow(limiter: Limiter, caller: str, rate: Rate) -> None:
    """Raise Problem 429 with `Retry-After` if the caller sends too many requests."""
    wait = limiter.take(caller, rate)
    if wait > 0:
        detail = f"more than {_often(rate)}: ask again later"
        raise Problem(429, "too-many-requests", detail, {"Retry-After": str(math.ceil(wait))})


def _often(rate: Rate) -> str:
    if rate.per_second >= 1:
        return f"{rate.per_second:g} requests a second"
    return f"one request every {1 / rate.per_second:g} seconds"
