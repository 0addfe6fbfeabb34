"""The refusal of changes by an outdated process, for the API and the console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from pipeline.errors import TransientError
from pipeline.stages.context import Context


def refusing_when_outdated(context: Context) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that refuses changes once a newer release has migrated the ledger: ours would be lacking."""

    async def refuse(request: Request) -> None:
        if request.method != "GET":
            check_not_outdated(context)

    return refuse


def check_not_outdated(context: Context) -> None:
    """Raise TransientError if a newer release has migrated the ledger."""
    hold = context.hold()
    if hold is not None and hold.code == "ledger-too-new":
        raise TransientError(str(hold), code="ledger-too-new")
