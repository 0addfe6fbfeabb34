"""Ctrl-C in a command that looks into the ledger again and again: at once while it waits, else after the look.

A database driver that is interrupted in the middle of a question raises errors of its own, with which the command would
end as if the ledger had failed.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Interruption:
    """Whether somebody has asked the command to end."""

    def __init__(self) -> None:
        self._asked = self._allowed = False

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Raise KeyboardInterrupt in the block as soon as somebody asks, or at its start if somebody has."""
        try:
            self._allowed = True
            if self._asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._allowed = False

    def sleep(self, seconds: float) -> None:
        with self.allowed():
            time.sleep(seconds)

    def ask(self, *_: object) -> None:
        """Handle the signal."""
        self._asked = True
        if self._allowed:
            raise KeyboardInterrupt


@contextmanager
def interruptible(*also: signal.Signals) -> Iterator[Interruption]:
    """Have Ctrl-C, and other signals, interrupt only where the block allows it."""
    interruption = Interruption()
    former = {number: signal.signal(number, interruption.ask) for number in (signal.SIGINT, *also)}
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
