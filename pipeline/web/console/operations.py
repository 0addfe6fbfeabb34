"""What people and commands did: the newest operations, one with its parts, and undo."""

from typing import Annotated

from fastapi import Depends, Response

from pipeline.stages.accept import Intake
from pipeline.stages.accept.undo import can_be_undone, undo
from pipeline.stages.context import Context
from pipeline.views import operations as views
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.live import Watched
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.console.streams import watched_operation
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_NEWEST = 100
_PARTS = 500  # shown of one operation


def address_of(operation: str) -> str:
    """Return the address of an operation's page, to which every action leads."""
    return f"{HOME}/operations/{operation}"


def router(context: Context, pages: Pages, intake: Intake) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/operations")
    def operations(who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            found = views.summaries(transaction, limit=_NEWEST, now=now)
        return pages.page("operations", who, now=now, operations=found, most=_NEWEST, place="operations")

    @routes.get("/operations/{operation}")
    def operation(
        operation: str,
        who: Annotated[SignedIn, Depends(who_is)],
        live: Annotated[Watched, Depends(watched_operation(context))],
        outcome: str = "",
    ) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            found = views.report(transaction, operation, outcome=outcome or None, limit=_PARTS, now=now)
        if found is None:
            raise Problem(404, "unknown-operation", f"no operation {operation!r} is known")
        one = found.summary
        return pages.page(
            "operation",
            who,
            now=now,
            live=live,
            one=one,
            outcomes=found.outcomes,
            outcome=outcome,
            parts_of=found.parts,
            owed=found.owed,
            undoable=can_be_undone(one.kind) and one.changed > 0 and one.state != "running",
            place="operations",
        )

    @routes.post("/operations/{operation}/undo", max_body_size=MAX_BODY)
    def undo_operation(operation: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        done = undo(intake, operation, by=act.by)
        if not done.accepted and not done.overtaken:
            raise Problem(409, "nothing-to-undo", "the operation has changed nothing")
        return see(address_of(done.operation))

    return routes
