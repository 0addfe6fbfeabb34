"""The Celery tasks, one for each stage. A message means "look at the ledger", and the task does what is due there.

A task is named "citewire.NAME" after its stage, so `pipeline.stages.flow.STAGES` defines all messages and queues.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.stages.flow import STAGES
from pipeline.stages.stage import Stage
from workers.celery import app
from workers.turns import Turns
from workers.wiring import services


def _task_of(stage: Stage) -> Callable[..., None]:
    """Return the task's function. It does nothing while as many others run as may, because they find what is due."""
    turns = Turns(stage.threads, stage.threads_with_key)

    def look(key: str = "", urgent: bool = False) -> None:
        own = services()
        has_turn = turns.take(key)
        try:
            own.doorbell.acknowledge(stage.name, key, urgent=urgent)
            if has_turn:
                stage.drain(own.context, key)
        finally:
            if has_turn:
                turns.give_back(key)

    return look


for _stage in STAGES:
    app.task(name=f"citewire.{_stage.name}")(_task_of(_stage))
