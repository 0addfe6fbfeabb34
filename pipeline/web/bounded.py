"""Rendering and judging in the web process, which have the time that a worker has for rendering (ADR 0059).

What a format of a plug-in never ends to render would otherwise keep one thread after the other of those that answer
everyone. Python cannot end a thread, so it goes on; but there are few of them, and none is started twice for the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import structlog

from pipeline.errors import TransientError
from pipeline.stages.stage import caught

AT_A_TIME = 2  # more would not be faster, because rendering holds the interpreter's lock
_PATIENCE = 1.0  # seconds that a request waits for others to be rendered
_AGAIN = 60.0  # seconds, for Retry-After

_log = structlog.get_logger()
T = TypeVar("T")
Key = tuple[str, int, str]  # the article, its revision and the format


class Bounded:
    """Runs steps of one kind, each for at most so many seconds. Safe to share between threads."""

    def __init__(self, seconds: float, kind: str = "rendering") -> None:
        self._seconds, self._kind = seconds, kind
        self._places = threading.BoundedSemaphore(AT_A_TIME)
        self._over: set[Key] = set()

    def within(self, key: Key, step: Callable[[], T]) -> T:
        """Return what the step returns. Raises what it raises, and TransientError if it takes too long.

        A step with the key of one that took too long is not begun, for as long as the process runs.
        """
        if key in self._over:
            raise self._too_long()
        if not self._places.acquire(timeout=_PATIENCE):
            raise TransientError(f"too much {self._kind} is under way", code="rendering-busy", retry_after=5.0)
        done: Future[T | Exception] = Future()
        threading.Thread(target=self._run, args=(step, done), name="bounded", daemon=True).start()
        try:
            outcome = done.result(self._seconds)
        except TimeoutError:
            self._over.add(key)
            article, revision, format = key
            ids = {"article": article, "revision": revision, "format": format}
            _log.error("over budget", kind=self._kind, most=self._seconds, **ids)
            raise self._too_long() from None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _run(self, step: Callable[[], T], done: Future[T | Exception]) -> None:
        try:
            done.set_result(caught(step))
        finally:
            self._places.release()

    def _too_long(self) -> TransientError:
        message = f"{self._kind} took longer than {self._seconds:g} seconds"
        return TransientError(message, code="over-budget", retry_after=_AGAIN)
