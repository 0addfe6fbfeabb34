"""Refuse addresses that no client means: too long, with characters that no ledger takes, or not of one host."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.web.problems import answer

MAX_PATH, MAX_QUERY = 2_048, 8_192  # bytes, as sent
_CONTROLS = bytes((*range(0x20), 0x7F))


class Addresses:
    """Answer 414 or 400 before a route sees the path or the query."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _refusal(scope) if scope["type"] == "http" else None
        await (refused(scope, receive, send) if refused else self.app(scope, receive, send))


def _refusal(scope: Scope) -> ASGIApp | None:
    if sum(name == b"host" for name, _ in scope["headers"]) != 1:
        return answer(400, "invalid-host", "a request names its host once (RFC 9112, section 3.2)")
    path, query = scope["path"], scope.get("query_string", b"")
    raw = scope.get("raw_path") or path.encode("utf-8", "replace")
    if len(raw) > MAX_PATH or len(query) > MAX_QUERY:
        return answer(414, "address-too-long", "the address is longer than any of this site")
    if _has_control(path.encode("utf-8", "replace")) or _has_control(unquote_to_bytes(query)):
        return answer(400, "invalid-address", "the address has a control character")
    try:
        unquote_to_bytes(raw).decode(), unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return answer(400, "invalid-address", "the address is not UTF-8")
    return None


def _has_control(data: bytes) -> bool:
    return len(data.translate(None, _CONTROLS)) != len(data)
