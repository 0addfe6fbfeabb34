"""Assemble the routers of /v1."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.web.v1 import articles, deliveries, events, operations


def router(context: Context) -> APIRouter:
    intake = Intake(
        ledger=context.ledger,
        doorbell=context.doorbell,
        clock=context.clock,
        new_id=context.new_id,
        evidence_wait=context.policy.evidence_wait,
    )
    api = APIRouter()
    api.include_router(events.router(context, intake))
    api.include_router(articles.router(context, intake))
    api.include_router(deliveries.router(context, intake))
    api.include_router(operations.router(context, intake))
    return api
