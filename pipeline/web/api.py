"""/v1: what publishers and operators call."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from pipeline import views
from pipeline.ledger import deliveries, events
from pipeline.model.event import Accepted
from pipeline.stages.accept import Intake, accept
from pipeline.stages.context import Context
from pipeline.web.auth import require
from pipeline.web.cloudevents import read_events
from pipeline.web.problems import Problem

MAX_BODY = 8_000_000  # bytes: an article of 5 MB, escaped in JSON, and its envelope


def router(context: Context) -> APIRouter:
    api = APIRouter(prefix="/v1")
    intake = Intake(
        ledger=context.ledger,
        doorbell=context.doorbell,
        clock=context.clock,
        new_id=context.new_id,
        evidence_wait=context.policy.evidence_wait,
    )

    def take(request: Request, body: bytes) -> list[Accepted]:
        require(context.ledger, request, "publish")
        return [accept(intake, event) for event in read_events(_plain(request), body)]

    @api.post("/events", status_code=202)
    async def post_event(request: Request) -> JSONResponse:
        """Take in a CloudEvent, or a batch of them. The same source and id again gets the same answer."""
        await run_in_threadpool(require, context.ledger, request, "publish")
        answers = await run_in_threadpool(take, request, await _body(request))
        shapes = [views.accepted(answer) for answer in answers]
        batch = "batch" in request.headers.get("content-type", "")
        return JSONResponse({"events": shapes} if batch else shapes[0], status_code=202)

    @api.get("/events/{event_id}")
    def get_event(request: Request, event_id: str) -> dict[str, Any]:
        require(context.ledger, request, "publish")
        with context.ledger.read() as transaction:
            answer = events.find(transaction, event_id)
            if answer is None:
                raise Problem(404, "unknown-event", f"no event {event_id!r} is known")
            state = views.settled(transaction, answer.article, answer.revision)
        return views.accepted(answer, state or "accepted")

    @api.get("/articles/{article_id}")
    def get_article(request: Request, article_id: str) -> dict[str, Any]:
        require(context.ledger, request, "publish")
        with context.ledger.read() as transaction:
            shape = views.article(transaction, article_id)
        if shape is None:
            raise Problem(404, "unknown-article", f"no article {article_id!r} is known")
        return shape

    @api.get("/deliveries")
    def get_deliveries(
        request: Request,
        state: str | None = Query(None, pattern="^(pending|sending|delivered|abandoned)$"),
        channel: str | None = None,
        limit: int = Query(100, ge=1, le=1000),
    ) -> dict[str, Any]:
        require(context.ledger, request, "publish")
        with context.ledger.read() as transaction:
            found = deliveries.search(transaction, state=state, channel=channel, limit=limit)
        return {"deliveries": [views.delivery(one) for one in found]}

    @api.post("/deliveries/{delivery_id}/replay")
    def replay(request: Request, delivery_id: str) -> dict[str, Any]:
        require(context.ledger, request, "admin")
        with context.ledger.write() as transaction:
            channels = deliveries.replay(transaction, now=context.clock(), id=delivery_id)
        if not channels:
            raise Problem(404, "nothing-to-replay", f"no abandoned delivery {delivery_id!r} is known")
        for channel in channels:
            context.doorbell.ring("deliver", channel)
        return {"replayed": len(channels)}

    return api


def _plain(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _body(request: Request) -> bytes:
    """The body, but no more of it than we would read."""
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > MAX_BODY:
            raise Problem(413, "event-too-large", f"the body is larger than {MAX_BODY} bytes", {"Connection": "close"})
    return bytes(held)
