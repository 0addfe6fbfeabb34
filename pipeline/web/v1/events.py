"""/v1/events: where callers send CloudEvents."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import dropwhile
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter

from pipeline.ledger.articles import events
from pipeline.ledger.operations import Operation
from pipeline.model.event import Event
from pipeline.stages.accept import Intake, accept_all
from pipeline.stages.context import Context
from pipeline.stages.dry_run import dry_run as dry_run_stage
from pipeline.views import cited as cited_views
from pipeline.views import dry_run as dry_run_views
from pipeline.views import events as events_views
from pipeline.web.arrivals import Arrivals
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import Responses, problems
from pipeline.web.openapi.bodies import cloud_event
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room
from pipeline.web.v1.cloudevents import is_batch, read_events
from pipeline.web.v1.sender_clock import by_our_clock
from pipeline.web.v1.sender_trace import in_trace, traceparent_of
from pipeline.web.waiting import while_connected

MAX_BODY = 8_000_000  # bytes: an article of 5 MB, escaped in JSON, and its envelope
LONGEST_WAIT = 60.0  # seconds

Ends = Arrivals[tuple[str, int]]  # an article, and the revision whose deliveries are to end
_Wait = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait until every channel has it, or it was given up.")
]

Taker = Callable[[Sequence[Event], Mapping[str, str], str], tuple[events_views.AcceptedEvent, ...]]


def taker(context: Context, intake: Intake) -> Taker:
    """Return what accepts the events of a request, given its headers and the name of its token."""

    def take(sent: Sequence[Event], headers: Mapping[str, str], by: str) -> tuple[events_views.AcceptedEvent, ...]:
        now = intake.clock()
        batch = by_our_clock(in_trace(sent, headers), headers, now)
        operation = Operation(intake.new_id("op_"), "event", by, now)
        answers = accept_all(intake, batch, operation)
        with context.ledger.read() as transaction:
            cited = cited_views.cited_counts_of_all(transaction, (answer.article for answer in answers))
        return tuple(
            events_views.accepted(answer, warnings=event.warnings, references=cited.get(answer.article))
            for event, answer in zip(batch, answers, strict=True)
        )

    return take


_DryRun = Annotated[bool, Query(description="Only say what would be done. With it, `wait` has no effect.")]
_AS_JSON = TypeAdapter(dry_run_views.DryRun)
_DRY_RUN: Responses = {200: {"description": "Of a dry run.", "model": dry_run_views.DryRun}}


def ends_of(context: Context) -> Ends:
    """Return what requests wait with for the deliveries of revisions to end."""

    def look(revisions: Collection[tuple[str, int]]) -> list[tuple[str, int]]:
        with context.ledger.read() as transaction:
            return [one for one in revisions if events_views.outcome(transaction, *one) is not None]

    return Arrivals(look)


def router(context: Context, intake: Intake, ends: Ends) -> Room:
    api = Room("/v1", tags=["publishing"], dependencies=[UNLESS_OUTDATED])
    caller, accepted = granted(context), taker(context, intake)

    def take(headers: dict[str, str], body: bytes, by: str) -> tuple[events_views.AcceptedEvent, ...]:
        return accepted(read_events(headers, body, drop=context.policy.intake_drop), headers, by)

    def try_out(headers: Mapping[str, str], body: bytes) -> dry_run_views.DryRun:
        now = intake.clock()
        batch = by_our_clock(read_events(headers, body, drop=context.policy.intake_drop), headers, now)
        with context.ledger.read() as transaction:
            return dry_run_views.dry_run(dry_run_stage(context, intake, transaction, batch), now=now)

    async def delivered(answers: Sequence[events_views.AcceptedEvent], *, whose: str, seconds: float) -> None:
        """Wait until the deliveries of every event have ended or the time is up."""
        end = asyncio.get_running_loop().time() + seconds
        open_ones = await run_in_threadpool(without_ended, answers)
        while open_ones and (left := end - asyncio.get_running_loop().time()) > 0:
            if not await ends.wait(whose, (open_ones[0].article, open_ones[0].revision), seconds=left):
                return
            open_ones = await run_in_threadpool(without_ended, open_ones)

    def without_ended(answers: Sequence[events_views.AcceptedEvent]) -> list[events_views.AcceptedEvent]:
        """Return the answers from the first one on whose deliveries have not ended."""
        with context.ledger.read() as transaction:

            def has_ended(one: events_views.AcceptedEvent) -> bool:
                return one.status == "overtaken" or bool(events_views.outcome(transaction, one.article, one.revision))

            return list(dropwhile(has_ended, answers))

    def by_now(answers: Sequence[events_views.AcceptedEvent]) -> tuple[events_views.AcceptedEvent, ...]:
        with context.ledger.read() as transaction:
            return tuple(events_views.awaited(transaction, one) for one in answers)

    @api.post(
        "/events",
        status_code=202,
        response_model=events_views.AcceptedEvent | events_views.AcceptedBatch,
        max_body_size=MAX_BODY,
        responses=_DRY_RUN | problems(401, 403, 404, 409, 413, 415, 422),
        openapi_extra=cloud_event(),
    )
    async def post_event(
        request: Request, grant: Annotated[Grant, Depends(caller)], wait: _Wait = 0, dry_run: _DryRun = False
    ) -> Any:
        """Publish, update or withdraw an article with a CloudEvent, or several with a batch.

        A batch is accepted completely or not at all. Sending an event with the same `source` and `id` again returns
        the same answer and changes nothing. With `wait`, the answer has what each channel has of it by then; what is
        not delivered in that time is delivered afterwards. With `dry_run`, nothing is accepted or kept: the answer says
        what would become of each event, what is known of the references, and what each channel would get. What would be
        refused is refused in the same way.
        """
        headers = {name.lower(): value for name, value in request.headers.items()} | traceparent_of(request.headers)
        if dry_run:
            would_be = await run_in_threadpool(try_out, headers, await request.body())
            return Response(_AS_JSON.dump_json(would_be), media_type="application/json")
        answers = await run_in_threadpool(take, headers, await request.body(), grant.name)
        if wait:
            await while_connected(request, delivered(answers, whose=grant.id, seconds=wait))
            answers = await run_in_threadpool(by_now, answers)
        return events_views.AcceptedBatch(answers) if is_batch(headers) else answers[0]

    @api.get("/events/{event_id}", responses=problems(401, 403, 404, 422))
    def get_event(event_id: str, _: Annotated[Grant, Depends(caller)]) -> events_views.AcceptedEvent:
        """Return what became of an event: `event_id` is the `event` of the answer to it."""
        with context.ledger.read() as transaction:
            answer = events.find(transaction, event_id)
            if answer is None:
                raise Problem(404, "unknown-event", f"no event {event_id!r} is known")
            state = events_views.outcome(transaction, answer.article, answer.revision)
            cited = cited_views.cited_counts(transaction, answer.article)
            channels = events_views.at_channels(transaction, answer.article, answer.revision)
        return events_views.accepted(answer, state or "accepted", references=cited, channels=channels)

    return api
