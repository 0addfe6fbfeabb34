"""What fails, grouped by cause, and the replay of a whole cause as it was shown."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import Depends, Response
from msgspec import Struct

from pipeline.intake.fields.reasons import MAX_REASON
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay_failure
from pipeline.stages.context import Context
from pipeline.stages.failure_notes import dismiss, note, reopen
from pipeline.views.failures import Failure, failures
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.moments import shown_at
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_HERE = f"{HOME}/failures"
_MOST = 100  # causes on a page, those with most deliveries


class _Beyond(Struct, frozen=True):
    """Causes that a page does not list."""

    causes: int
    deliveries: int

    @classmethod
    def of(cls, some: Sequence[Failure]) -> Self:
        return cls(len(some), sum(one.count for one in some))


def router(context: Context, pages: Pages, intake: Intake) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/failures")
    def failures_page(who: Annotated[SignedIn, Depends(who_is)], channel: str = "") -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            found = failures(transaction, now=now).failures
        mine = [one for one in found if channel in ("", one.channel)]
        open_ones = [one for one in mine if one.dismissed is None]
        dismissed = [one for one in mine if one.dismissed is not None]
        return pages.page(
            "failures",
            who,
            now=now,
            failures=open_ones[:_MOST],
            left_out=_Beyond.of(open_ones[_MOST:]),
            dismissed=dismissed[:_MOST],
            dismissed_left_out=_Beyond.of(dismissed[_MOST:]),
            channel=channel,
            others=len(found) - len(mine),
            most=MAX_REASON,
            place="failures",
        )

    @routes.post("/failures/{key}/replay", max_body_size=MAX_BODY)
    def replay(key: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        done = replay_failure(intake, key, seen=shown_at(act.form["seen"]), by=act.by)
        if done.operation is None:
            raise Problem(409, "nothing-to-replay", "what the page showed was replayed or delivered in the meantime")
        return see(address_of(done.operation))

    @routes.post("/failures/{key}/note", max_body_size=MAX_BODY)
    def write_note(key: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        note(intake, key, act.form["note"], by=act.by)
        return see(_HERE)

    @routes.post("/failures/{key}/dismiss", max_body_size=MAX_BODY)
    def dismiss_cause(key: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        dismiss(intake, key, seen=shown_at(act.form["seen"]), by=act.by)
        return see(_HERE)

    @routes.post("/failures/{key}/reopen", max_body_size=MAX_BODY)
    def reopen_cause(key: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        reopen(intake, key, by=act.by)
        return see(_HERE)

    return routes
