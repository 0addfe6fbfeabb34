"""The threads of a process that send rounds, and how many of them channels may occupy that have never answered."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

THREADS = 48  # of this process, for all its rounds, and as many for withdrawals; one hangs with its channel
UNTRIED = THREADS // 2  # of them, that may send to channels which have never answered


class Senders:
    """The threads. They stay, because connections belong to their threads."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting = 0
        self._untried = 0
        self._moved = 0.0  # when one of them was last taken or came back, by time.monotonic()

    @property
    def are_free(self) -> bool:
        """Return whether nothing waits for a thread, so that another round would not be late from its start."""
        return self._waiting == 0

    def submit(self, step: Callable[[], object]) -> None:
        self._count(1)
        self._threads.submit(self._run, step)

    def submit_untried(self, step: Callable[[], object]) -> bool:
        """Run a step that sends to channels which have never answered; return False if it would take too many threads.

        The step calls `moved` after each of them.
        """
        with self._lock:
            if self._untried >= UNTRIED:
                return False
            self._untried += 1
        self.moved()
        self.submit(functools.partial(self._run_untried, step))
        return True

    def moved(self) -> None:
        """Record that a channel that had never answered did so, or that the attempt failed."""
        self._moved = time.monotonic()

    def are_stuck(self, seconds: float) -> bool:
        """Return whether all threads for untried channels are taken, and none of those has answered for this long."""
        return self._untried >= UNTRIED and time.monotonic() - self._moved > seconds

    def _run(self, step: Callable[[], object]) -> None:
        self._count(-1)
        step()

    def _run_untried(self, step: Callable[[], object]) -> None:
        try:
            step()
        finally:
            with self._lock:
                self._untried -= 1

    def _count(self, more: int) -> None:
        with self._lock:
            self._waiting += more


@functools.cache
def senders_of(*, withdrawals: bool) -> Senders:
    """Return the threads for rounds of this kind. Withdrawals have their own: they never wait for what hangs."""
    return Senders("withdrawals" if withdrawals else "round")
