"""Middleware: compress what is generated per request; answer bodies that are too large, and stops, with a problem."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.web.problems import answer, too_large

_FILES = ("/feeds/", "/sitemap.xml", "/sitemaps/")


class Compression(GZipMiddleware):
    """Compress with gzip, except files: they are stored compressed, and tags and ranges refer to the stored bytes.

    Every response says once that it varies, also those that are too small to be compressed, and a 304 (RFC 9110,
    section 15.4.5).
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "accept-encoding" not in headers.get("Vary", "").lower():
                    headers.add_vary_header("Accept-Encoding")
            await send(message)

        if scope["type"] == "http" and scope["path"].startswith(_FILES):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, varying)


class TooLarge:
    """Starlette itself answers a `Content-Length` above a route's limit in plain text, without calling handlers.

    `page`: makes the answer to a person, at the addresses below `pages`.
    """

    def __init__(self, app: ASGIApp, *, pages: str, page: Callable[[], Response]) -> None:
        self.app, self._pages, self._page = app, pages, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def as_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 413:
                replaced = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/plain")
                if replaced:
                    path = scope["path"]
                    await (self._page() if path.startswith(self._pages) else too_large(path))(scope, receive, send)
            if not replaced:
                await send(message)

        await self.app(scope, receive, as_problem if scope["type"] == "http" else send)


class Interrupted:
    """Answer requests that are still running when the server has waited long enough for them at its end.

    An answer that has begun stays without its end. The server then cuts the connection off, from which the client knows
    that it does not have all; raising the CancelledError again would only add a traceback to the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except asyncio.CancelledError:
            if not begun:
                refusal = answer(503, "stopping", "the server is being stopped: send it again", headers=_AGAIN)
                await refusal(scope, receive, send)


_AGAIN = {"Retry-After": "5"}
