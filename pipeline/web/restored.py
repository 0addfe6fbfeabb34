"""After a restore nothing is shown until an operator says so: it may have been withdrawn since the backup."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.errors import CitewireError
from pipeline.web.problems import answer

_ANSWERED = (
    "/v1/",
    "/console",
    "/hub",
    "/healthz",
    "/readyz",
    "/metrics",
)  # what publishers and operators need meanwhile


class Restored:
    """Middleware that answers 503 while everything is held. It needs no route to ask for it, so none is forgotten."""

    def __init__(self, app: ASGIApp, *, hold: Callable[[], CitewireError | None]) -> None:
        self.app = app
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hold = self._hold() if scope["type"] == "http" and not scope["path"].startswith(_ANSWERED) else None
        if hold is None or hold.code != "ledger-restored":
            await self.app(scope, receive, send)
            return
        detail = "the site is being restored: try again later"
        await answer(503, hold.code, detail, headers={"Retry-After": "5"})(scope, receive, send)
