"""Assemble the routers of /v1."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web.changing import refusing_when_outdated
from pipeline.web.v1 import (
    articles,
    attention,
    bulk,
    channels,
    deliveries,
    events,
    failures,
    looking,
    operations,
    recalls,
)
from pipeline.web.v1.hooks import router as hooks


def router(context: Context, ends: events.Ends) -> APIRouter:
    intake = intake_of(context)
    api = APIRouter(dependencies=[Depends(refusing_when_outdated(context))])
    api.include_router(events.router(context, intake, ends))
    api.include_router(hooks.router(context, intake))
    api.include_router(articles.router(context, intake))
    api.include_router(bulk.router(context, intake))
    api.include_router(channels.router(context, intake))
    api.include_router(deliveries.router(context, intake))
    api.include_router(failures.router(context, intake))
    api.include_router(operations.router(context, intake))
    api.include_router(attention.router(context))
    api.include_router(looking.router(context))
    api.include_router(recalls.router(context))
    return api
