"""The tasks: one for each stage. A message says "look at the ledger"; what is due there is all that it does."""

from __future__ import annotations

import datetime as dt
import threading

from pipeline.stages import deliver as deliver_stage
from pipeline.stages import enrich as enrich_stage
from pipeline.stages import feeds as feeds_stage
from pipeline.stages import hub as hub_stage
from pipeline.stages import render as render_stage
from pipeline.stages.deliver import prove as prove_stage
from pipeline.stages.prune import prune as prune_stage
from pipeline.stages.stage import Work, drain
from workers.celery import app
from workers.wiring import services

# Renders under way in one process. More would make none faster, and all threads, those of references too, slower.
_RENDERING = threading.BoundedSemaphore(2)


def _answer(stage: Work, key: str, urgent: bool) -> None:
    own = services()
    own.doorbell.answered(stage.name, key, urgent=urgent)
    drain(own.context, stage, key)


@app.task(name="citewire.enrich")
def enrich(key: str = "", urgent: bool = False) -> None:
    _answer(enrich_stage, key, urgent)


@app.task(name="citewire.render")
def render(key: str = "", urgent: bool = False) -> None:
    """Who is rendering already finds what is due now, too."""
    if _RENDERING.acquire(blocking=False):
        try:
            _answer(render_stage, key, urgent)
        finally:
            _RENDERING.release()
    else:
        services().doorbell.answered("render", key, urgent=urgent)


@app.task(name="citewire.deliver")
def deliver(channel: str, urgent: bool = False) -> None:
    own = services()
    own.doorbell.answered("deliver", channel, urgent=urgent)
    deliver_stage.drain(own.context, channel)


@app.task(name="citewire.feeds")
def feeds(key: str = "", urgent: bool = False) -> None:
    _answer(feeds_stage, key, urgent)


@app.task(name="citewire.prove")
def prove(key: str = "", urgent: bool = False) -> None:
    _answer(prove_stage, key, urgent)


@app.task(name="citewire.hub")
def hub(key: str = "", urgent: bool = False) -> None:
    _answer(hub_stage, key, urgent)


@app.task(name="citewire.prune")
def prune() -> None:
    prune_stage(services().context, older_than=dt.timedelta(days=90))
