"""Conditional requests (RFC 9110, section 13): send nothing to a reader that already has the newest bytes."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from pipeline.model.rendition import content_type
from pipeline.web.headers import POLICY, page_policy

CACHE = "public, max-age=60"

# A date further ahead comes from a mistyped date that was once shown; we never send such dates ourselves.
_FAST_CLOCK = dt.timedelta(days=1)


def respond(
    request: Request, body: bytes, *, media_type: str, digest: str, modified: dt.datetime | None, status: int = 200
) -> Response:
    """Return the body, or 304 without it. `modified` is when the bytes were made, if known.

    RFC 9110 (section 13.2.1) asks for the 304 in place of a 2xx only. A tombstone's tag can only come from the
    tombstone, so its 410 gives way too.
    """
    etag = tag_of(digest)
    headers = {"ETag": etag, "Cache-Control": CACHE}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified.replace(microsecond=0), usegmt=True)
    if is_current(request, etag, modified):
        return Response(status_code=304, headers=headers)
    if media_type == "text/html":
        headers[POLICY] = page_policy(body)
    return Response(body, status_code=status, media_type=content_type(media_type), headers=headers)


def tag_of(digest: str) -> str:
    """Return the `ETag` of what has this digest. It is weak: the compressed and the plain bytes share it."""
    return f'W/"{digest.removeprefix("sha256:")[:32]}"'


def is_current(request: Request, etag: str, modified: dt.datetime | None) -> bool:
    """Return whether the client has the newest bytes. If-None-Match overrides If-Modified-Since (section 13.2.2)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or _opaque(etag) in {_opaque(tag) for tag in known.split(",")}
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        date = parsedate_to_datetime(since)
        return modified.replace(microsecond=0) <= date <= dt.datetime.now(dt.UTC) + _FAST_CLOCK
    except (ValueError, TypeError):  # not a date, or one without a zone, is ignored
        return False


def _opaque(tag: str) -> str:
    """Return the part of a tag that the weak comparison compares (section 8.8.3.2)."""
    return tag.strip().removeprefix("W/")
