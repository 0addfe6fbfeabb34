"""The thread of a worker that sweeps the ledger and gives signs of life. Whatever a sweep raises, the next one runs."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable

import structlog

from pipeline.stages.context import Context
from pipeline.stages.stage import caught, record_late
from pipeline.stages.sweep import sweep
from pipeline.timing import SWEEP_EVERY
from workers import alive
from workers.doorbell import CeleryDoorbell
from workers.trouble import Trouble

_log = structlog.get_logger()


def start(
    context: Context,
    bell: CeleryDoorbell,
    name: str,
    stop: threading.Event,
    *,
    kind: str = "worker",
    look: Callable[[], None] = lambda: None,
) -> threading.Thread:
    """Sweep in a thread until `stop` is set. If the thread ends before, so does the process, and is started again.

    `look` is called before each sweep, to find out whether this process may work.
    """
    work = functools.partial(_until, stop, functools.partial(_turn, context, bell, name, kind, look))
    sweeper = threading.Thread(target=_or_exit, args=(work, stop), name="sweep", daemon=True)
    sweeper.start()
    return sweeper


def _until(stop: threading.Event, turn: functools.partial[Exception | None]) -> None:
    trouble = Trouble(_log, begins="the sweep must wait", ends="the sweep goes on")
    while not stop.wait(SWEEP_EVERY):
        trouble.report(turn())


def _turn(context: Context, bell: CeleryDoorbell, name: str, kind: str, look: Callable[[], None]) -> Exception | None:
    """Give a sign of life and sweep once; return what went wrong."""
    alive.sign(kind)
    bell.heartbeat(name)
    outcome = caught(lambda: _look_and_sweep(context, look))
    return outcome if isinstance(outcome, Exception) else None


def _look_and_sweep(context: Context, look: Callable[[], None]) -> None:
    look()
    sweep(context)
    record_late(context)  # last, because a row that is locked for long would keep the sweep waiting each time


def _or_exit(work: functools.partial[None], stop: threading.Event) -> None:
    """Run the work. A process in which it ended too early would look alive and do nothing, so it is ended."""
    try:
        work()
    finally:
        if not stop.is_set():
            _log.critical("the sweep ended, and this process with it", exc_info=True)
            os._exit(os.EX_SOFTWARE)
