"""A webhook receiver that speaks real HTTP, records what it receives, and can be made to misbehave.

    python -m standins.receiver --port 0 --secret PARTNER_SECRET --log received.jsonl

prints `ready http://127.0.0.1:PORT/` and serves until terminated. In-process: `with Receiver() as receiver:`.

`POST /control` takes a `Conduct` as JSON, by `path` prefix ({"mode": "status", "status": 503, "times": 3}), and `{}`
resets all; `GET /control` returns {"received": N}, and `GET /received?after=N` the records as JSON lines.
Connections are kept alive, and requests must have a Content-Length. The server is a minimal protocol implementation on
one event loop in one thread, because the benchmarks must not measure the receiver.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import dataclasses
import functools
import gzip
import hmac
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import IO, Literal, Self
from urllib.parse import parse_qs, urlsplit

from standins.looping import LoopThread

Mode = Literal["status", "hang", "drip-head", "drip-body", "cut", "cut-body", "garbage", "endless", "bomb"]
_BOMB = 50_000_000  # bytes, before gzip


@dataclass(frozen=True)
class Conduct:
    """How to answer requests under `path`.

    `status`: with `status`, `headers` and `body`, after `seconds`. `hang`: never.
    `drip-head`, `drip-body`: a byte every `seconds`, forever. `cut`: the connection is reset before an answer;
    `cut-body`: in the middle of one. `garbage`: bytes that are not HTTP. `endless`: a body without end.
    `bomb`: a small body that unpacks to 50 MB.
    """

    mode: Mode = "status"
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0
    times: int | None = None  # this many requests, then as usual; None: all
    path: str = "/"


@dataclass(frozen=True)
class Received:
    """A request. `verified`: whether its signature was valid; None if no secret is configured."""

    at: float  # Unix time
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    verified: bool | None
    answered: int | None  # the status; None if no response was sent

    @property
    def digest(self) -> str:
        return f"sha256:{sha256(self.body).hexdigest()}"

    def record(self) -> dict[str, object]:
        """Return the log record, with digest and size instead of the body."""
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name != "body"}
        return {**fields, "digest": self.digest, "bytes": len(self.body)}


class Receiver(LoopThread):
    """The receiver. It may be read and controlled from any thread while it serves."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, secrets: Iterable[str] = (), log: Path | None = None
    ) -> None:
        super().__init__(host, port)
        self.received: list[Received] = []
        self.connections = 0  # number of connections ever made
        self._secrets = tuple(base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets)
        self._log_path = log
        self._log: IO[str] | None = None
        self._conducts: dict[str, Conduct] = {}
        self._served: dict[str, int] = {}
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()

    def __enter__(self) -> Self:
        if self._log_path:
            self._log = self._log_path.open("a", encoding="utf-8", buffering=1)
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self._log:
            self._log.close()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}/"

    def conduct(self, conduct: Conduct) -> None:
        """Set a conduct from the next request on, and restart its count. The longest matching `path` applies."""
        with self._lock:
            self._conducts[conduct.path] = conduct
            self._served[conduct.path] = 0

    def behave(self) -> None:
        """Reset: answer 204 to everything."""
        with self._lock:
            self._conducts.clear()

    async def _start(self, listener: socket.socket) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), sock=listener)

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        accepting = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*accepting, return_exceptions=True)
        while self._connections:
            for connection in tuple(self._connections):
                connection.abort()
            await asyncio.sleep(0)

    # --- called by connections, in the event loop's thread

    def _take(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Conduct:
        conduct = self._conduct_for(target)
        answered = conduct.status if conduct.mode == "status" else None
        received = Received(time.time(), method, target, headers, body, self._verified(headers, body), answered)
        self.received.append(received)
        if self._log:
            self._log.write(json.dumps(received.record()) + "\n")
        return conduct

    def _conduct_for(self, target: str) -> Conduct:
        with self._lock:
            fitting = [path for path in self._conducts if target.startswith(path)]
            if not fitting:
                return Conduct()
            path = max(fitting, key=len)
            conduct = self._conducts[path]
            if conduct.times is not None and self._served[path] >= conduct.times:
                return Conduct()
            self._served[path] += 1
            return conduct

    def _verified(self, headers: Mapping[str, str], body: bytes) -> bool | None:
        if not self._secrets:
            return None
        with contextlib.suppress(KeyError, ValueError, OSError, EOFError):
            signed = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            return any(_is_signed(secret, headers, signed) for secret in self._secrets)
        return False

    def _control(self, method: str, target: str, body: bytes) -> bytes:
        """Return the complete response. Raises ValueError or TypeError for an invalid conduct."""
        parts = urlsplit(target)
        if method == "GET" and parts.path == "/received":
            after = int(parse_qs(parts.query).get("after", ["0"])[0])
            lines = "".join(json.dumps(one.record()) + "\n" for one in self.received[after:])
            return _answer(200, {"content-type": "application/jsonl"}, lines.encode())
        if method == "POST":
            expected = json.loads(body)
            self.conduct(Conduct(**expected)) if expected else self.behave()
        state = json.dumps({"received": len(self.received)}).encode()
        return _answer(200, {"content-type": "application/json"}, state)


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = bytearray()
        self._busy = False  # a response is still being sent
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._receiver.connections += 1
        self._receiver._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._receiver._connections.discard(self)

    def abort(self) -> None:
        if self._transport:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance()

    def _advance(self) -> None:
        while not self._busy and self._transport and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            try:
                method, target, _ = lines[0].split(" ")
                size = int(headers.get("content-length", "0"))
            except ValueError:
                self._end(_answer(400, {}, b""))
                return
            if "transfer-encoding" in headers:
                self._end(_answer(411, {}, b""))
                return
            start = end + 4
            if len(self._buffer) < start + size:
                return
            body = bytes(self._buffer[start : start + size])
            del self._buffer[: start + size]
            self._request(method, target, headers, body)

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        if target.startswith(("/control", "/received")):
            try:
                self._write(self._receiver._control(method, target, body))
            except (ValueError, TypeError) as error:
                self._write(_answer(400, {}, f"{error}\n".encode()))
            return
        conduct = self._receiver._take(method, target, headers, body)
        answer = _answer(conduct.status, conduct.headers, conduct.body.encode(), head_only=method == "HEAD")
        match conduct.mode:
            case "status" if conduct.seconds:
                self._busy = True
                self._later(conduct.seconds, lambda: self._resume(answer))
            case "status":
                self._write(answer)
            case "hang":
                self._busy = True
            case "drip-head":
                self._drip(b"HTTP/1.1 200 OK\r\nx-drip: ", conduct.seconds)
            case "drip-body":
                self._drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", conduct.seconds)
            case "cut":
                self.abort()
            case "cut-body":
                self._end(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of it")
            case "garbage":
                self._end(b"\x16\x03\x01\x00\xff this is not HTTP\r\n\r\n")
            case "endless":
                self._busy = True
                self._write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                self._pour()
            case "bomb":
                self._write(_answer(200, {"content-encoding": "gzip"}, _bomb()))

    def _resume(self, answer: bytes) -> None:
        self._busy = False
        self._write(answer)
        self._advance()

    def _drip(self, start: bytes, seconds: float) -> None:
        self._busy = True
        self._write(start)
        self._later(seconds, lambda: self._drip(b"x", seconds))

    def _pour(self) -> None:
        self._write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        self._later(0.001, self._pour)

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        if self._transport:
            self._receiver._loop.call_later(seconds, step)

    def _write(self, data: bytes) -> None:
        if self._transport:
            self._transport.write(data)

    def _end(self, data: bytes) -> None:
        if self._transport:
            self._busy = True
            self._transport.write(data)
            self._transport.close()


def _answer(status: int, headers: Mapping[str, str], body: bytes, *, head_only: bool = False) -> bytes:
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    size = {} if status in {204, 304} else {"content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **size}.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{head}\r\n".encode("latin-1") + (b"" if head_only or not size else body)


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(_BOMB), compresslevel=9)


def _is_signed(secret: bytes, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether one signature is `v1` and by this secret, and not five minutes old (Standard Webhooks)."""
    id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return False
    made = hmac.digest(secret, b".".join((id.encode(), timestamp.encode(), body)), "sha256")
    expected = f"v1,{base64.b64encode(made).decode()}"
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m standins.receiver", description="A webhook receiver.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--secret", action="append", default=[], metavar="ENVNAME", help="verifies signatures")
    parser.add_argument("--log", type=Path, metavar="FILE", help="file for a JSON line per request")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    secrets = [os.environ[name] for name in arguments.secret]
    with Receiver(port=arguments.port, secrets=secrets, log=arguments.log) as receiver:
        print(f"ready {receiver.url}", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
