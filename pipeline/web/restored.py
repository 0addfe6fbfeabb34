"""After a restore nothing is shown until an operator says so: it may have been withdrawn since the backup."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.errors import TransientError
from pipeline.stages.context import Context


def refuse(context: Context) -> Callable[[], None]:
    """Return a dependency that answers 503 while everything is held after a restore."""

    def look() -> None:
        held = context.hold()
        if held is not None and held.code == "ledger-restored":
            raise TransientError("the site is being restored: try again later", code="ledger-restored")

    return look
