"""Small documents that channels need at our own address: keys by which their other ends check what we send them."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from fastapi import APIRouter, Response

from pipeline.channels import Served
from pipeline.errors import ConfigError
from pipeline.stages.context import Context
from pipeline.web.problems import Problem

_log = structlog.get_logger()
_KEPT = 300  # seconds that somebody may keep it: a new key must get about soon


def router(context: Context) -> APIRouter:
    well_known = APIRouter()
    for path, make in context.served.items():
        well_known.add_api_route(path, _answering(path, make), methods=["GET", "HEAD"], include_in_schema=False)
    return well_known


def _answering(path: str, make: Callable[[], Served]) -> Callable[[], Response]:
    def document() -> Response:
        """503 where a secret is not to be had: the one who asks shall come again, the operator is told in the log."""
        try:
            served = make()
        except ConfigError as error:
            _log.error("not served", path=path, code=error.code, error=str(error))
            raise Problem(503, "not-served", "it cannot be answered at the moment", {"Retry-After": "60"}) from error
        headers = {"Cache-Control": f"public, max-age={_KEPT}"}
        return Response(served.body, media_type=served.media_type, headers=headers)

    return document
