"""Whether the cost of a text is in proportion to its size, in processor time and beside a floor that certainly is."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable

SMALLEST, LARGEST = 2_000, 2_000_000  # bytes
STEP = 4  # times as much text
MOST = 10.0  # times as much time: STEP, and room for caches and for other processes on the machine
LONG_ENOUGH = 0.08  # seconds of processor time, after which a size is large enough to tell

_TRIES = 3

_WORDS = re.compile(rb"[a-z]+")


def growth(work: Callable[[int], object]) -> str | None:
    """Return what is wrong with the growth of `work(bytes)`, or None: no step costs much more than in proportion.

    A step counts only if it takes longer than a hundred times the floor, which is one look at each byte. The first is
    always taken, because the smallest size may already cost seconds.
    """
    gc.collect()
    gc.disable()  # it would look at everything that the tests before have left
    try:
        return _growth(work)
    finally:
        gc.enable()


def _growth(work: Callable[[int], object]) -> str | None:
    size, before = SMALLEST, _cost(work, SMALLEST)
    while size * STEP <= LARGEST and (size == SMALLEST or before < LONG_ENOUGH):
        size, now = size * STEP, _cost(work, size * STEP)
        limit = MOST * before
        if now > limit:
            limit = max(limit, MOST * _floor(size))
        for _ in range(_TRIES):
            if now > limit:  # or another process was in the way
                now = min(now, _cost(work, size))
        if now > limit:
            return f"{size // STEP} bytes cost {before:.3f} s, {size} bytes {now:.3f} s"
        before = now
    return None


def _cost(work: Callable[[int], object], size: int) -> float:
    begun = time.process_time()
    work(size)
    return time.process_time() - begun


def _floor(size: int) -> float:
    text = b"word " * (size // 5)
    return 20 * _cost(lambda _: sum(1 for _ in _WORDS.finditer(text)), size)
