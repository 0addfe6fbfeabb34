"""A partner, and a subscriber of the hub, that answers every request in a way of its own choosing.

`/channel/NAME` is a webhook's address, `/hub/N` a subscriber's callback, and `/trap` an address that nothing may ever
ask for: redirects lead there.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple
from urllib.parse import parse_qs, urlsplit

_STATUSES = (400, 401, 403, 404, 409, 429, 500, 502, 503, 599)
_RETRY_AFTER = ("1", "-1", "9" * 30, "Mon, 02 Mar 2099 10:00:00 GMT", "\u0663", "soon")
_ELSEWHERE = ("http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "//[::1]/", "\x00")
_BOMB = gzip.compress(bytes(50_000_000), compresslevel=9)
_CHUNK = b"token " * 10_922
# Answers without end: how they start, what follows, and the seconds between.
_ENDLESS = {
    "drip-head": (b"HTTP/1.1 200 OK\r\nx-drip: ", b"x", 0.5),
    "drip-body": (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"x", 0.5),
    "endless-head": (b"HTTP/1.1 200 OK\r\n", b"x-more: and more of it\r\n" * 500, 0.01),
    "megabytes": (
        b"HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n",
        b"%x\r\n%s\r\n" % (len(_CHUNK), _CHUNK),
        0.01,
    ),
}
_LAST = {"hang", "cut", "garbage", "bomb"}  # after which the connection is closed
_HUB = {"hang": 4, "wrong-challenge": 2, "challenge": 2, "unwell": 1, "redirect": 1, "drip-head": 1}  # weights


class _Request(NamedTuple):
    method: str
    target: str
    head: bytes
    body: bytes


class HostilePartner:
    """`conducts` are those that it chooses from; without any it behaves. All that it is sent is written to `heard`."""

    def __init__(self, heard: dict[str, IO[bytes]], seed: int) -> None:
        self.requests: Counter[str] = Counter()  # by the address' first two parts, and by conduct
        self.conducts: Sequence[str] = ()
        self.port = 0
        self._heard, self._chance = heard, random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]

    def behave(self) -> None:
        """Answer 204 from now on, and drop what hangs."""
        self.conducts = ()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.LimitOverrunError):
            while (request := await _read(reader)) is not None and await self._answer(request, writer):
                pass
        self._open.discard(writer)
        writer.transport.abort()

    async def _answer(self, request: _Request, writer: asyncio.StreamWriter) -> bool:
        """Return whether the connection is kept for the next request."""
        who = "/".join(urlsplit(request.target).path.split("/")[:3])
        self.requests["hub" if who.startswith("/hub") else who] += 1
        heard = self._heard["hub" if who.startswith("/hub") else who.rpartition("/")[2]]
        heard.write(request.head + request.body)
        conduct = self._conduct(who)
        self.requests[f"answered: {conduct}"] += 1
        if request.target.startswith("/trap") or conduct == "":
            await _write(writer, _challenge(request) if who.startswith("/hub") else _whole(204, b""))
            return True
        return await self._misbehave(conduct, request, writer)

    def _conduct(self, who: str) -> str:
        if not self.conducts:
            return ""
        if who.startswith("/hub"):
            return self._chance.choices(list(_HUB), weights=list(_HUB.values()))[0]
        return self._chance.choice([*self.conducts, ""])

    async def _misbehave(self, conduct: str, request: _Request, writer: asyncio.StreamWriter) -> bool:
        if conduct in _ENDLESS:
            await _pour(writer, *_ENDLESS[conduct])
        elif conduct in ("hang", "late"):
            await asyncio.sleep(300 if conduct == "hang" else self._chance.uniform(0.5, 8.0))
        await _write(writer, self._answer_of(conduct, request))
        return conduct not in _LAST

    def _answer_of(self, conduct: str, request: _Request) -> bytes:
        chance = self._chance
        answers: dict[str, Callable[[], bytes]] = {
            "tokens": lambda: _whole(chance.choice(_STATUSES), b"token" * 205),
            "bomb": lambda: _whole(400, _BOMB, "content-encoding: gzip"),
            "redirect": lambda: _whole(chance.choice((301, 302, 303, 307, 308)), b"", f"location: {self._elsewhere()}"),
            "unwell": lambda: _whole(chance.choice(_STATUSES), b"no", f"retry-after: {chance.choice(_RETRY_AFTER)}"),
            "gone": lambda: _whole(chance.choice((410, 404, 503)), b"gone"),
            "echo": lambda: _whole(400, request.head[:8_000] + request.body[:2_000]),  # its own credentials among it
            "wrong-challenge": lambda: _whole(200, b"not the challenge"),
            "challenge": lambda: _challenge(request),
            "garbage": lambda: chance.randbytes(300) + b"\r\n\r\n",
            "cut": lambda: b"",
        }
        return answers.get(conduct, lambda: _whole(200, b"{}"))()

    def _elsewhere(self) -> str:
        return self._chance.choice([f"http://127.0.0.1:{self.port}/trap", *_ELSEWHERE])


async def _read(reader: asyncio.StreamReader) -> _Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return _Request(method, target, head, body)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _pour(writer: asyncio.StreamWriter, start: bytes, piece: bytes, pause: float) -> None:
    await _write(writer, start)
    while True:
        await _write(writer, piece)
        await asyncio.sleep(pause)


def _whole(status: int, body: bytes, *fields: str) -> bytes:
    size = [] if status == 204 else [f"content-length: {len(body)}"]
    head = "\r\n".join([f"HTTP/1.1 {status} As it likes", *fields, *size])
    return head.encode("utf-8") + b"\r\n\r\n" + body


def _challenge(request: _Request) -> bytes:
    asked = parse_qs(urlsplit(request.target).query).get("hub.challenge", [""])[0]
    return _whole(200, asked.encode())
