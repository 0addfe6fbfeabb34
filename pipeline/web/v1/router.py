"""The routers of /v1."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web.looked_at import Renditions
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


def routers(context: Context, ends: events.Ends, renditions: Renditions, trials: Trials) -> Iterator[APIRouter]:
    """Yield the rooms of the API, each by itself: a router of routers would have FastAPI build every route again."""
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
