"""Conditional requests (RFC 9110, section 13): a reader that has it already is sent nothing."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request, Response

CACHE = "public, max-age=60"


def respond(request: Request, body: bytes, *, media_type: str, digest: str, modified: dt.datetime) -> Response:
    """200 with the body, or 304 without. `digest` names the bytes; `modified` is when they came to be."""
    etag = f'W/"{digest.removeprefix("sha256:")[:32]}"'  # weak: the same for the compressed and the plain bytes
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(modified.replace(microsecond=0), usegmt=True),
        "Cache-Control": CACHE,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if _has_it(request, etag, modified):
        return Response(status_code=304, headers=headers)
    content_type = media_type if media_type.endswith("json") else f"{media_type}; charset=utf-8"
    return Response(body, media_type=content_type, headers=headers)


def _has_it(request: Request, etag: str, modified: dt.datetime) -> bool:
    """If-None-Match decides where it is given; a date is only asked otherwise (section 13.2.2)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or _opaque(etag) in {_opaque(tag) for tag in known.split(",")}
    since = request.headers.get("if-modified-since")
    try:
        return since is not None and modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # not a date, or one without a zone: as if it were not there
        return False


def _opaque(tag: str) -> str:
    """What the weak comparison compares (section 8.8.3.2)."""
    return tag.strip().removeprefix("W/")
