"""A small HTTP/1.1 server around one function, which can also be made to hang, drip, break off or send garbage.

Requests are recorded in `calls`, in order of arrival. Each connection has a thread of its own, but `respond` is never
called concurrently.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from standins.serving import QuietHandler, QuietServer

# `lost`: the request is processed, but the connection is cut before the answer.
Mode = Literal["hang", "drip-head", "drip-body", "cut", "cut-body", "garbage", "lost"]
_DRIP = 0.02  # seconds between bytes


@dataclass(frozen=True)
class Call:
    """A request. `target` is the path with the query; the names in `headers` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float  # Unix time

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body))


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(status: int, content: object, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), headers=named)


class Endpoint:
    """Serves `respond` on 127.0.0.1. Methods may be called from any thread."""

    def __init__(self, respond: Callable[[Call], Reply]) -> None:
        self.calls: list[Call] = []
        self._respond = respond
        self._lock = threading.Lock()
        self._trouble: Mode | Reply | None = None
        self._times: int | None = None
        self._methods: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def misbehave(self, trouble: Mode | Reply, *, times: int | None = None, methods: tuple[str, ...] = ()) -> None:
        """Misbehave from the next request on, `times` times (None: always), for `methods` (empty: all)."""
        with self._lock:
            self._trouble, self._times, self._methods = trouble, times, methods

    def behave(self) -> None:
        with self._lock:
            self._trouble = None

    def take(self, call: Call) -> tuple[Mode | None, Reply]:
        with self._lock:
            self.calls.append(call)
            trouble = self._due(call)
            if trouble == "lost" or trouble is None:
                return trouble, self._respond(call)
            return (None, trouble) if isinstance(trouble, Reply) else (trouble, Reply())

    def _due(self, call: Call) -> Mode | Reply | None:
        if self._trouble is None or self._times == 0 or (self._methods and call.method not in self._methods):
            return None
        if self._times is not None:
            self._times -= 1
        return self._trouble


class _Server(QuietServer):
    block_on_close = False

    def __init__(self, address: tuple[str, int], endpoint: Endpoint) -> None:
        super().__init__(address, _Handler)
        self.endpoint = endpoint


class _Handler(QuietHandler):
    server: _Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        mode, reply = self.server.endpoint.take(Call(self.command, self.path, headers, body, time.time()))
        match mode:
            case None:
                self._write(reply)
            case "hang":
                self.server.stopping.wait()
                self.reset()
            case "drip-head":
                self._drip(b"HTTP/1.1 200 OK\r\nx-drip: ")
            case "drip-body":
                self._drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            case "cut" | "lost":
                self.reset()
            case "cut-body":
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of it")
                self.close_connection = True
            case "garbage":
                self.wfile.write(b"\x16\x03\x01\x00\xff this is not HTTP\r\n\r\n")
                self.close_connection = True

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        size = {} if reply.status in (204, 304) else {"Content-Length": str(len(reply.body))}
        for name, value in {"Content-Type": reply.media_type, **size, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if size and self.command != "HEAD":
            self.wfile.write(reply.body)

    def _drip(self, start: bytes) -> None:
        self.wfile.write(start)
        while not self.server.stopping.wait(_DRIP):
            self.wfile.write(b"x")
