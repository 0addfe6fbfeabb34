"""Range requests (RFC 9110, section 14) for one part of a body. A request for several parts gets the whole body."""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette.requests import Request

_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


class Span(NamedTuple):
    start: int  # bytes
    length: int


def span_of(request: Request, *, size: int, etag: str, modified: str) -> Span | None:
    """Return the requested part, or None for the whole. A length of 0 means that there is no such part (416).

    With `If-Range`, a part is requested only if the representation still has the given tag or date.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.method != "GET" or asked.group(1) == asked.group(2) == "":
        return None
    if request.headers.get("if-range", etag).strip() not in (etag, modified):
        return None
    first, last = asked.groups()
    if not first:  # a suffix: the last bytes
        length = min(int(last), size)
        return Span(size - length, length)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None  # not a valid range
    return Span(start, max(end - start + 1, 0) if start < size else 0)
