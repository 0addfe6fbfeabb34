"""Small documents that channels publish at our own address, such as keys that let receivers verify what we send."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from fastapi import Response

from pipeline.channels import Served
from pipeline.errors import ConfigError
from pipeline.stages.context import Context
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_log = structlog.get_logger()
_KEPT = 300  # seconds that it may be cached: short, so that a new key takes effect soon


def router(context: Context) -> Room:
    well_known = Room()
    for path, make in context.served.items():
        well_known.add_api_route(path, _answering(path, make), methods=["GET", "HEAD"], include_in_schema=False)
    return well_known


def _answering(path: str, make: Callable[[], Served]) -> Callable[[], Response]:
    def document() -> Response:
        """Return the document, or 503 and a log line if a secret that it needs cannot be read."""
        try:
            served = make()
        except ConfigError as error:
            _log.error("not served", path=path, code=error.code, error=str(error))
            raise Problem(503, "not-served", "the document is not available now", {"Retry-After": "60"}) from error
        headers = {"Cache-Control": f"public, max-age={_KEPT}"}
        return Response(served.body, media_type=served.media_type, headers=headers)

    return document
