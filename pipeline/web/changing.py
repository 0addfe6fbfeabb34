"""The refusal of changes by an outdated process, for the API and the console."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Depends, Request

from pipeline.errors import CitewireError, TransientError


async def _refuse(request: Request) -> None:
    if request.method != "GET":
        check_not_outdated(request.app.state.hold)


# A dependency that refuses changes once a newer release has migrated the ledger: ours would be lacking.
UNLESS_OUTDATED = Depends(_refuse)


def check_not_outdated(hold: Callable[[], CitewireError | None]) -> None:
    """Raise TransientError if a newer release has migrated the ledger. `hold`: as in the context."""
    reason = hold()
    if reason is not None and reason.code == "ledger-too-new":
        raise TransientError(str(reason), code="ledger-too-new")
