"""The routers of /v1."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web.looked_at import Renditions
from pipeline.web.rooms import Room
from pipeline.web.trying import Trials
from pipeline.web.v1 import (
    articles,
    attention,
    bulk,
    channels,
    deliveries,
    events,
    failures,
    feeds,
    looking,
    operations,
    recalls,
    references,
    verdicts,
)
from pipeline.web.v1.hooks import router as hooks


def routers(context: Context, ends: events.Ends, renditions: Renditions, trials: Trials) -> Iterator[Room]:
    """Yield the rooms of the API."""
    intake = intake_of(context)
    yield events.router(context, intake, ends)
    yield hooks.router(context, intake)
    yield articles.router(context, intake)
    yield verdicts.router(context, renditions)
    yield bulk.router(context, intake)
    yield channels.router(context, intake, trials)
    yield deliveries.router(context, intake)
    yield failures.router(context, intake)
    yield operations.router(context, intake)
    yield attention.router(context)
    yield looking.router(context)
    yield recalls.router(context)
    yield references.router(context, intake)
    yield feeds.router(context)
