"""Callers whose token was refused: counted for /metrics, and written to the log once a minute for each address."""

from __future__ import annotations

import structlog
from prometheus_client import Counter
from starlette.requests import Request

from pipeline.ledger.tokens import Token
from pipeline.web.clients import UNKNOWN, client_of
from pipeline.web.limits import LocalLimiter, Rate

_log = structlog.get_logger()
_ONCE_A_MINUTE = Rate(1 / 60, 1)


class Refusals:
    """The refusals by one web process."""

    def __init__(self) -> None:
        self.counter = Counter("citewire_refused", "Requests refused for their token", ("code",), registry=None)
        self._written = LocalLimiter()

    def count(self, request: Request, code: str, token: Token | None = None) -> None:
        """Count a refusal. `token`: one that is known but not enough; a token that is unknown is never written down."""
        self.counter.labels(code).inc()
        client = request.client.host if request.client else UNKNOWN
        if self._written.take(client_of(client), _ONCE_A_MINUTE) == 0:
            known = {"token": token.id, "name": token.name} if token else {}
            _log.warning("refused", code=code, client=client, method=request.method, path=request.url.path, **known)


def refusals(request: Request) -> Refusals:
    """Return the refusals of the process that answers."""
    found = request.app.state.refusals
    assert isinstance(found, Refusals)
    return found
