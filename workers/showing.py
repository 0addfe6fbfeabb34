"""The thread of the web server that gives signs of life. A worker's are given by its sweep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from pipeline.stages.stage import caught
from pipeline.timing import SWEEP_EVERY
from workers import alive
from workers.trouble import Trouble

if TYPE_CHECKING:
    from workers.doorbell import CeleryDoorbell

_log = structlog.get_logger()


def show(bell: CeleryDoorbell, kind: str, look: Callable[[], None]) -> None:
    """Give signs of life from a daemon thread from now on, and call `look` with each."""
    threading.Thread(target=_show, args=(bell, kind, look), name="alive", daemon=True).start()


def _show(bell: CeleryDoorbell, kind: str, look: Callable[[], None]) -> None:
    pause = threading.Event()
    trouble = Trouble(_log, begins="cannot give a sign of life", ends="signs of life go on")
    while True:
        alive.sign(kind)
        bell.heartbeat(kind)
        outcome = caught(look)
        trouble.report(outcome if isinstance(outcome, Exception) else None)
        pause.wait(SWEEP_EVERY)
