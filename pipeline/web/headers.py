"""The headers that tell a browser what a response may do (OWASP ASVS 5.0, chapter V3.4).

A response other than a page may do nothing at all. A page may show images and its own style sheets and nothing else: no
script, no form, no frame, so that markup which slipped through the intake stays dead.
"""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING = "default-src 'none'; frame-ancestors 'none'"
POLICY = "Content-Security-Policy"

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin",  # which article of ours somebody came from says something about their health
}
_SHOWS = "default-src 'none'; img-src https: http: data:; media-src https: http:; base-uri 'none'; form-action 'none'"
_STYLE = re.compile(rb"<style[^<>]*>([^<]*)</style>")
_AMP = re.compile(rb"<!doctype html>\s*<html (?:[^>]* )?(?:amp|\xe2\x9a\xa1)[ >]", re.IGNORECASE)
# The runtime brings its own style sheets, workers and frames: amp.dev, "Use CSP with AMP".
_RUNTIME = (
    "default-src 'none'; script-src https://cdn.ampproject.org blob:; worker-src blob:; style-src 'unsafe-inline' "
    "https://cdn.ampproject.org; img-src https: http: data: blob:; media-src https: http:; font-src https: data:; "
    "connect-src https:; frame-src https:; base-uri 'none'; form-action 'none'"
)


def page_policy(page: bytes) -> str:
    """Return the Content-Security-Policy of a page: the style sheets in its head are allowed by their digests."""
    if _AMP.match(page):
        return _RUNTIME  # AMP viewers show the page in a frame of theirs
    head, _, _ = page.partition(b"</head>")
    styles = [f"'sha256-{_digest(one[1])}'" for one in _STYLE.finditer(head)] or ["'none'"]
    return f"{_SHOWS}; style-src {' '.join(styles)}; frame-ancestors 'self'"


class BrowserHeaders:
    """Middleware that adds them to every response. A route's own headers stay."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if message["status"] != 304:  # its headers replace those of the stored page (RFC 9111, section 3.2)
                    headers.setdefault(POLICY, NOTHING)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def _digest(style: bytes) -> str:
    return base64.b64encode(hashlib.sha256(style).digest()).decode()
