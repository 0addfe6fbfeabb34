"""Conditional requests (RFC 9110, section 13): a reader that has it already is sent nothing."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from pipeline.model.rendition import content_type

CACHE = "public, max-age=60"

# A later date than a clock can be ahead is none that we gave: whoever sends it has seen a mistyped one.
_FAST_CLOCK = dt.timedelta(days=1)


def respond(request: Request, body: bytes, *, media_type: str, digest: str, modified: dt.datetime | None) -> Response:
    """200 with the body, or 304 without. `digest` names the bytes; `modified`, if known, is when they came to be."""
    etag = f'W/"{digest.removeprefix("sha256:")[:32]}"'  # weak: the same for the compressed and the plain bytes
    headers = {
        "ETag": etag,
        "Cache-Control": CACHE,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified.replace(microsecond=0), usegmt=True)
    if has_it(request, etag, modified):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=content_type(media_type), headers=headers)


def has_it(request: Request, etag: str, modified: dt.datetime | None) -> bool:
    """If-None-Match decides where it is given; a date is only asked otherwise (section 13.2.2)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or _opaque(etag) in {_opaque(tag) for tag in known.split(",")}
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        date = parsedate_to_datetime(since)
        return modified.replace(microsecond=0) <= date <= dt.datetime.now(dt.UTC) + _FAST_CLOCK
    except (ValueError, TypeError):  # not a date, or one without a zone: as if it were not there
        return False


def _opaque(tag: str) -> str:
    """What the weak comparison compares (section 8.8.3.2)."""
    return tag.strip().removeprefix("W/")
