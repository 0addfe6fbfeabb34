"""What each thread of this process works on, so that work that does not end is noticed.

Threads cannot be stopped from outside. A process in which work has taken longer than it may therefore takes no more
work, lets its other threads finish, and is replaced (`workers/overdue.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import CitewireError, TransientError


class Work:
    """A piece of work: its stage, the lease's token, the rows' keys, and how many seconds it may take."""

    def __init__(self, stage: str, token: str, keys: tuple[str, ...], most: float) -> None:
        self.stage, self.token, self.keys, self.most = stage, token, keys, most
        self.seconds = 0.0  # as far as they were observed: while the whole process is stopped, none pass

    @property
    def is_over(self) -> bool:
        return self.seconds > self.most


class Working:
    """The work of each thread, of which the innermost counts. Safe to share between threads."""

    def __init__(self) -> None:
        self._works: dict[int, list[Work]] = {}
        self._lock = threading.Lock()
        self._over: list[Work] = []

    @contextmanager
    def on(self, stage: str, token: str, keys: tuple[str, ...], most: float) -> Iterator[None]:
        """Work on something in this thread, for at most so many seconds."""
        work, thread = Work(stage, token, keys, most), threading.get_ident()
        with self._lock:
            self._works.setdefault(thread, []).append(work)
        try:
            yield
        finally:
            with self._lock:
                self._works[thread].remove(work)

    def observe(self, seconds: float) -> list[Work]:
        """Let so many seconds pass for all work, and return what is over its time since then."""
        with self._lock:
            innermost = [works[-1] for works in self._works.values() if works]
            for work in innermost:
                work.seconds += seconds
            new = [work for work in innermost if work.is_over and work not in self._over]
            self._over += new
            return new

    @property
    def others_are_done(self) -> bool:
        """Return whether no thread works on anything that is not over its time."""
        with self._lock:
            return all(works[-1] in self._over for works in self._works.values() if works)

    def hold(self) -> CitewireError | None:
        """Return why this process may take no more work, or None."""
        if not self._over:
            return None
        return TransientError("work in this process does not end: it is being replaced", code="over-budget")
