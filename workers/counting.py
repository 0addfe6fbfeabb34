"""The thread of the web server that writes down who has fetched the feeds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from pipeline.stages.stage import caught
from workers.trouble import Trouble

EVERY = 60.0  # seconds; as much is lost when the process is killed

_log = structlog.get_logger()


@contextmanager
def counting(write: Callable[[], None], *, every: float = EVERY) -> Iterator[None]:
    """Call `write` from a daemon thread now and then, and once more at the end."""
    end = threading.Event()
    trouble = Trouble(_log, begins="cannot count readers of feeds", ends="readers of feeds are counted")

    def run() -> None:
        while not end.wait(every):
            _try()

    def _try() -> None:
        outcome = caught(write)
        trouble.report(outcome if isinstance(outcome, Exception) else None)

    thread = threading.Thread(target=run, name="readers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        _try()
