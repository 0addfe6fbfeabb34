"""/healthz: this process answers. /readyz: it can do its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from pipeline.errors import TransientError
from pipeline.ledger import articles
from pipeline.stages.context import Context


def router(context: Context, alive: Callable[[], list[str] | None]) -> APIRouter:
    """`alive`: the processes that gave a sign of life lately, None where the queue does not answer."""
    health = APIRouter()

    @health.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @health.get("/readyz")
    def readyz() -> JSONResponse:
        """503 where events cannot be accepted. Without the queue or workers they can: they wait in the ledger."""
        workers = alive()
        shape: dict[str, Any] = {"ledger": _ledger(), "queue": workers is not None, "processes": workers or []}
        return JSONResponse({"ready": shape["ledger"]} | shape, status_code=200 if shape["ledger"] else 503)

    def _ledger() -> bool:
        try:
            with context.ledger.read() as transaction:
                articles.standing(transaction, "")
            return True
        except TransientError:
            return False

    return health
