"""What the API and the console share when they change something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from pipeline.errors import TransientError
from pipeline.stages.accept import Intake
from pipeline.stages.context import Context


def intake_of(context: Context) -> Intake:
    return Intake(
        ledger=context.ledger,
        doorbell=context.doorbell,
        clock=context.clock,
        new_id=context.new_id,
        evidence_wait=context.policy.evidence_wait,
    )


def refusing_when_outdated(context: Context) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that refuses changes once a newer release has migrated the ledger: ours would be lacking."""

    async def refuse(request: Request) -> None:
        hold = context.hold()
        if request.method != "GET" and hold is not None and hold.code == "ledger-too-new":
            raise TransientError(str(hold), code="ledger-too-new")

    return refuse
