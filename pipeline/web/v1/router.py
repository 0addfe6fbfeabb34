"""Assemble the routers of /v1."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from pipeline.errors import TransientError
from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.web.v1 import articles, attention, deliveries, events, failures, operations, recalls


def router(context: Context) -> APIRouter:
    intake = Intake(
        ledger=context.ledger,
        doorbell=context.doorbell,
        clock=context.clock,
        new_id=context.new_id,
        evidence_wait=context.policy.evidence_wait,
    )

    async def refuse_when_outdated(request: Request) -> None:
        """Refuse changes once a newer release has migrated the ledger: ours would lack what it needs."""
        hold = context.hold()
        if request.method != "GET" and hold is not None and hold.code == "ledger-too-new":
            raise TransientError(str(hold), code="ledger-too-new")

    api = APIRouter(dependencies=[Depends(refuse_when_outdated)])
    api.include_router(events.router(context, intake))
    api.include_router(articles.router(context, intake))
    api.include_router(deliveries.router(context, intake))
    api.include_router(failures.router(context, intake))
    api.include_router(operations.router(context, intake))
    api.include_router(attention.router(context))
    api.include_router(recalls.router(context))
    return api
