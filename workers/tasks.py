"""The Celery tasks, one for each stage. A message means "look at the ledger", and the task does what is due there.

A task is named "citewire.NAME" after its stage, so `pipeline.stages.flow.STAGES` defines all messages and queues.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pipeline.stages.flow import STAGES
from pipeline.stages.stage import Stage
from workers.celery import app
from workers.wiring import services


def _task_of(stage: Stage) -> Callable[..., None]:
    """Return the task's function. It does nothing while `stage.threads` others run, because they find what is due."""
    free = threading.BoundedSemaphore(stage.threads) if stage.threads else None

    def look(key: str = "", urgent: bool = False) -> None:
        own = services()
        if free is not None and not free.acquire(blocking=False):
            own.doorbell.acknowledge(stage.name, key, urgent=urgent)
            return
        try:
            own.doorbell.acknowledge(stage.name, key, urgent=urgent)
            stage.drain(own.context, key)
        finally:
            if free is not None:
                free.release()

    return look


for _stage in STAGES:
    app.task(name=f"citewire.{_stage.name}")(_task_of(_stage))
