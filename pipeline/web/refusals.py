"""Callers who were refused for their token or signature: counted for /metrics, and logged once a minute per address.

A route raises `Refused`, and whatever answers it counts it: `register` for the API, and the console's pages.
"""

from __future__ import annotations

from typing import Protocol

import structlog
from fastapi import FastAPI
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.web.clients import UNKNOWN, client_of
from pipeline.web.limits import LocalLimiter, Rate
from pipeline.web.problems import Problem, answer

_log = structlog.get_logger()
_ONCE_A_MINUTE = Rate(1 / 60, 1)


class Known(Protocol):
    """A token that was found: its id reveals nothing of it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


class Refused(Problem):
    """A refusal for the caller's token or signature, which is counted. `token`: one that is known but not enough."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: dict[str, str] | None = None,
        *,
        token: Known | None = None,
    ) -> None:
        super().__init__(status, code, detail, headers)
        self.token = token


class Refusals:
    """The refusals by one web process."""

    def __init__(self) -> None:
        self.counter = Counter(
            "citewire_refused", "Requests refused for their token or signature", ("code",), registry=None
        )
        self._written = LocalLimiter()

    def count(self, request: Request, code: str, token: Known | None = None) -> None:
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


def register(app: FastAPI) -> None:
    """Count each refusal that a route raises."""
    app.state.refusals = Refusals()
    app.add_exception_handler(Refused, _refused)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    refusals(request).count(request, error.code, error.token)
    return answer(error.status, error.code, error.detail, headers=error.headers)
