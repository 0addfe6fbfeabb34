"""The thread of a worker that notices work that does not end, and has the process replaced.

The row is set aside or postponed by its stage (`Stage.over`). This process takes no more work from then on, and ends
when its other threads are done: whatever started it starts another one. A loop in C that keeps the interpreter's lock
stops this thread as well; such a process is killed for its silence, and the count of starts of an article finds it.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable

import structlog

from pipeline.stages.context import Context
from pipeline.stages.flow import STAGES
from pipeline.stages.stage import Claim, guarded
from pipeline.stages.working import Work

LOOK = 1.0  # seconds
_STEP = 5.0  # seconds at most that count between two looks: in the rest the process was stopped
GRACE = 30.0  # seconds for the other threads

_log = structlog.get_logger()


def start(context: Context, stop: threading.Event, *, end: Callable[[int], object] = os._exit) -> threading.Thread:
    """Watch from a daemon thread until `stop` is set. `end` ends the process."""
    watching = threading.Thread(target=_watch, args=(context, stop, end), name="overdue", daemon=True)
    watching.start()
    return watching


def _watch(context: Context, stop: threading.Event, end: Callable[[int], object]) -> None:
    last, ends_at = time.monotonic(), float("inf")
    while not stop.wait(LOOK):
        now = time.monotonic()
        for work in context.working.observe(min(now - last, _STEP)):
            _set_aside(context, work)
            ends_at = min(ends_at, now + GRACE)
        last = now
        if ends_at != float("inf") and (now > ends_at or context.working.others_are_done):
            _log.critical("replaced", why="work in this process does not end")
            end(os.EX_SOFTWARE)
            return


def _set_aside(context: Context, work: Work) -> None:
    stage = next(one for one in STAGES if one.name == work.stage)
    ids = stage.ids(Claim(work.token, work.keys))
    _log.error("over budget", stage=work.stage, **ids, seconds=round(work.seconds), most=work.most)
    guarded(stage.name, ids, functools.partial(stage.over, context, work))
