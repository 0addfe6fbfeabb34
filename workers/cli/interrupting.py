"""Ctrl-C in a command that looks into the ledger again and again: at once while it waits, else after the look.

Whoever presses it a second time does not wait for the look either: a database may take any time to answer.

A database driver that is interrupted in the middle of a question raises errors of its own, with which the command would
end as if the ledger had failed.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Interruption:
    """Whether somebody has asked the command to end, which it has not been told yet."""

    def __init__(self) -> None:
        self._asked = self._allowed = False

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Raise KeyboardInterrupt in the block as soon as somebody asks, or at its start if somebody has."""
        try:
            self._allowed = True
            if self._asked:
                self._asked = False
                raise KeyboardInterrupt
            yield
        finally:
            self._allowed = False

    def sleep(self, seconds: float) -> None:
        with self.allowed():
            time.sleep(seconds)

    def ask(self, *_: object) -> None:
        """Handle the signal."""
        if self._allowed or self._asked:
            raise KeyboardInterrupt
        self._asked = True


@contextmanager
def interruptible(*also: signal.Signals) -> Iterator[Interruption]:
    """Have Ctrl-C, and other signals, interrupt only where the block allows it, or else at its end."""
    interruption = Interruption()
    former = {number: signal.signal(number, interruption.ask) for number in (signal.SIGINT, *also)}
    try:
        yield interruption
        with interruption.allowed():
            pass
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def wait_until(is_done: Callable[[], bool], *, seconds: float, every: float) -> bool:
    """Look until it is done or the time is up; return whether it is done. `every`: seconds between looks."""
    deadline = time.monotonic() + seconds
    with interruptible() as interruption:
        while not is_done():
            if time.monotonic() >= deadline:
                return False
            interruption.sleep(every)
    return True
