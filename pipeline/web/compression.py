"""Compress responses generated per request. Files from the store are already compressed."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

_FILES = ("/feeds/", "/sitemap.xml", "/sitemaps/")


class Compression(GZipMiddleware):
    """Compress with gzip, except files, whose tags and ranges refer to the stored bytes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_FILES):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
