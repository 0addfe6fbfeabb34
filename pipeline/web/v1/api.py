"""/v1: what publishers and operators call."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime

from pipeline import views
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import events
from pipeline.ledger.deliveries import holdings
from pipeline.stages.accept import Intake, accept_all
from pipeline.stages.accept.release import release
from pipeline.stages.context import Context
from pipeline.web.auth import require
from pipeline.web.problems import Problem
from pipeline.web.v1.cloudevents import read_events

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

    def take(request: Request, body: bytes) -> tuple[views.AcceptedEvent, ...]:
        require(context, request, "publish")
        batch = read_events(_plain(request), body, drop=context.policy.intake_drop)
        answers = zip(batch, accept_all(intake, batch), strict=True)
        return tuple(views.accepted(answer, warnings=event.warnings) for event, answer in answers)

    @api.post("/events", status_code=202)
    async def post_event(request: Request) -> views.AcceptedEvent | views.AcceptedBatch:
        """Take in a CloudEvent, or a batch of them. The same source and id again gets the same answer."""
        await run_in_threadpool(require, context, request, "publish")
        shown = await run_in_threadpool(take, request, await _body(request))
        batch = "batch" in request.headers.get("content-type", "")
        return views.AcceptedBatch(shown) if batch else shown[0]

    @api.get("/events/{event_id}")
    def get_event(request: Request, event_id: str) -> views.AcceptedEvent:
        require(context, request, "publish")
        with context.ledger.read() as transaction:
            answer = events.find(transaction, event_id)
            if answer is None:
                raise Problem(404, "unknown-event", f"no event {event_id!r} is known")
            state = views.outcome(transaction, answer.article, answer.revision)
        return views.accepted(answer, state or "accepted")

    @api.get("/articles/{article_id}")
    def get_article(request: Request, article_id: str) -> views.ArticleStatus:
        require(context, request, "publish")
        with context.ledger.read() as transaction:
            shape = views.article(transaction, article_id)
        if shape is None:
            raise Problem(404, "unknown-article", f"no article {article_id!r} is known")
        return shape

    @api.get("/articles/{article_id}/shown")
    def get_shown(
        request: Request, article_id: str, channel: str | None = None, at: AwareDatetime | None = None
    ) -> views.Snapshot:
        """What a channel, or the site itself, held of the article at a moment (none: now)."""
        require(context, request, "publish")
        with context.ledger.read() as transaction:
            if articles.standing(transaction, article_id) is None:
                raise Problem(404, "unknown-article", f"no article {article_id!r} is known")
            if channel is not None and not _known(transaction, article_id, channel):
                raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
            return views.snapshot(transaction, article_id, channel, at or context.clock())

    def _known(transaction: Transaction, article_id: str, channel: str) -> bool:
        return channel in context.channels or holdings.ever(transaction, article_id, channel)

    @api.post("/articles/{article_id}/release")
    def post_release(request: Request, article_id: str, channel: str | None = None) -> views.Released:
        """End the holds of an article (or one channel's): it goes out again, with its marks."""
        require(context, request, "admin")
        released = release(intake, article_id, channel)
        return views.Released(released.article, released.revision, released.channels)

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
