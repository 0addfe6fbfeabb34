"""Serve files of the rendition store exactly as nginx would serve them, header for header.

`ETag` is derived from a file's time and size, as in nginx. Each compressed form is a file with its own tag, so tags are
strong and ranges (RFC 9110, section 14) fit together. If a client already has the file, nothing is sent and the file is
not even read. Concurrent responses share a body, which is sent in pieces.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.feeds.files import CODINGS
from pipeline.model.rendition import content_type
from pipeline.store import FileState
from pipeline.web.conditional import CACHE, is_current
from pipeline.web.headers import NOTHING, POLICY
from pipeline.web.public.ranges import Span, span_of

_PIECE = 65_536  # bytes that one slow reader keeps in memory
_CACHED = 64 * 2**20  # bytes of all cached bodies
_LARGEST = 8 * 2**20  # bytes of the largest body that is cached

ANYWHERE = {  # allows scripts of other sites to read it (Fetch standard, CORS protocol)
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Link",
}
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since, If-Range, Range",
    "Access-Control-Max-Age": "86400",
}


class FileStore(Protocol):
    """The part of the rendition store that reads files."""

    @property
    def local(self) -> bool: ...

    def get_file(self, path: str) -> tuple[bytes, FileState] | None: ...

    def file_state(self, path: str) -> FileState | None: ...


class Files:
    """Serves files, and caches the most recently requested bodies."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._bodies: OrderedDict[str, tuple[bytes, FileState]] = OrderedDict()
        self._cached_bytes = 0
        self._lock = threading.Lock()

    async def answer(
        self, request: Request, path: str, *, media_type: str, headers: Mapping[str, str]
    ) -> Response | None:
        """Return 200, 206, 304 or 416, or None if there is no such file. Raises TransientError as the store does."""
        if self._store.local:  # two system calls cost less than handing over to another thread
            return self._answer(request, path, media_type, headers)
        return await run_in_threadpool(self._answer, request, path, media_type, headers)

    def _answer(self, request: Request, path: str, media_type: str, headers: Mapping[str, str]) -> Response | None:
        coding, path, state = self._form(path, request.headers.get("accept-encoding", ""))
        if state is None:
            return None
        common = _headers(state, coding) | dict(headers)
        if is_current(request, common["ETag"], state.modified):
            same = {name: value for name, value in common.items() if name not in ("Accept-Ranges", "Content-Encoding")}
            return Response(status_code=304, headers=same)
        body = b""
        if request.method != "HEAD":
            got = self._body(path, state)
            if got is None:
                return None
            body, state = got  # it may have been replaced in the meantime: the tag must match the bytes
            common |= _headers(state, coding)
        common["Content-Type"] = content_type(media_type)
        return _sent(request, body, state, common)

    def _form(self, path: str, accepted: str) -> tuple[str | None, str, FileState | None]:
        for coding in codings(accepted):
            form = path + CODINGS[coding][0]
            if state := self._store.file_state(form):
                return coding, form, state
        return None, path, self._store.file_state(path)

    def _body(self, path: str, state: FileState) -> tuple[bytes, FileState] | None:
        with self._lock:
            cached = self._bodies.get(path)
            if cached is not None and cached[1] == state:
                self._bodies.move_to_end(path)
                return cached
        got = self._store.get_file(path)
        with self._lock:
            if before := self._bodies.pop(path, None):
                self._cached_bytes -= len(before[0])
            if got is not None and len(got[0]) <= _LARGEST:
                self._bodies[path] = got
                self._cached_bytes += len(got[0])
            while self._cached_bytes > _CACHED:
                _, (body, _) = self._bodies.popitem(last=False)
                self._cached_bytes -= len(body)
        return got


def codings(accepted: str) -> list[str]:
    """Return the content codings that the client accepts, smallest result first (RFC 9110, section 12.5.3)."""
    weights = dict(map(_weighed, accepted.lower().split(",")))
    anything = weights.get("*", 0.0)
    return [name for name in ("br", "gzip") if weights.get(name, anything) > 0]


def _weighed(item: str) -> tuple[str, float]:
    name, _, parameter = item.partition(";")
    key, _, weight = parameter.partition("=")
    try:
        return name.strip(), float(weight) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 0.0


def _headers(state: FileState, coding: str | None) -> dict[str, str]:
    return {
        "ETag": f'"{int(state.modified.timestamp()):x}-{state.size:x}"',
        "Last-Modified": format_datetime(state.modified, usegmt=True),
        "Cache-Control": CACHE,
        "Vary": "Accept-Encoding",
        POLICY: NOTHING,
    } | ({"Content-Encoding": coding} if coding else {"Accept-Ranges": "bytes"})


def _sent(request: Request, body: bytes, state: FileState, headers: dict[str, str]) -> Response:
    """Return the response. Ranges are served only of the uncompressed form."""
    etag, modified = headers["ETag"], headers["Last-Modified"]
    ranged = headers.pop("Accept-Ranges", None)
    span = span_of(request, size=state.size, etag=etag, modified=modified) if ranged else None
    if span is None:
        headers |= {"Accept-Ranges": ranged} if ranged else {}
        return _Pieces(body, Span(0, state.size), 200, headers)
    if span.length <= 0:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{state.size}"})
    headers["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{state.size}"
    return _Pieces(body, span, 206, headers)


class _Pieces(Response):
    """A part of a body, sent in pieces, so that the server can wait for a slow reader between them."""

    def __init__(self, body: bytes, span: Span, status: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status, headers=headers | {"Content-Length": str(span.length)})
        self._whole, self._span = body, span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        start, end = self._span.start, self._span.start + self._span.length
        if scope["method"] != "HEAD":
            for at in range(start, end - _PIECE, _PIECE):
                await send({"type": "http.response.body", "body": self._whole[at : at + _PIECE], "more_body": True})
                start = at + _PIECE
        await send({"type": "http.response.body", "body": self._whole[start:end], "more_body": False})
