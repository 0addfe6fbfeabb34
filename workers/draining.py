"""Work without a queue: threads of a worker that do at once what could not be rung for."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable

import structlog

from pipeline.stages.stage import caught
from workers.trouble import Trouble

THREADS = 4

_log = structlog.get_logger()
_Bell = tuple[str, str, bool]  # stage, key, urgent


class Drains:
    """Calls `look` for each bell, withdrawals first. A bell that waits already, or is being looked into, is dropped:
    the sweep finds in a second what is left."""

    def __init__(self, look: Callable[[str, str, bool], None]) -> None:
        self._look = look
        self._waiting: queue.PriorityQueue[tuple[bool, _Bell]] = queue.PriorityQueue()
        self._known: set[_Bell] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._trouble = Trouble(_log, begins="work without the queue failed", ends="work without the queue goes on")

    def add(self, stage: str, key: str, urgent: bool) -> None:
        bell = (stage, key, urgent)
        with self._lock:
            if bell in self._known:
                return
            self._known.add(bell)
            self._begin()
        self._waiting.put((not urgent, bell))

    def _begin(self) -> None:
        """Start the threads when they are needed for the first time, which is never as long as Redis answers."""
        while len(self._threads) < THREADS:
            thread = threading.Thread(target=self._work, name=f"drain-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            _, bell = self._waiting.get()
            outcome = caught(functools.partial(self._look, *bell))
            with self._lock:
                self._known.discard(bell)
            self._trouble.report(outcome if isinstance(outcome, Exception) else None)
