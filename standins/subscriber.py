"""A WebSub subscriber over real HTTP, or a thousand of them: the path of a callback determines its behaviour.

    python -m standins.subscriber --port 0

prints `ready http://127.0.0.1:PORT/` and serves until terminated. In-process: `with Subscriber() as subscriber:`.

A callback is `/{conduct}/{name}`, on any of the host's loopback addresses:

    well        confirms subscriptions, accepts every push
    refuses     answers 404 to the verification of intent
    mistaken    confirms with a wrong challenge
    silent      never answers
    slow        confirms, takes `SLOW` seconds per push
    failing     confirms, answers 500 to a push
    gone        confirms, answers 410 to a push
    moved       confirms, answers 302 to a push

`GET /pushes?after=N` returns the pushes as JSON lines.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import signal
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import requests

from standins.looping import LoopThread

SLOW = 30.0  # seconds: longer than any hub waits

_PUSH_STATUS = {"failing": "500 Internal Server Error", "gone": "410 Gone", "moved": "302 Found"}


@dataclass(frozen=True)
class Asked:
    """A request of the hub: verification of intent, or a denial."""

    callback: str  # its path
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Push:
    at: float  # Unix time
    callback: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def signed_with(self, secret: str) -> bool:
        """Return whether the signature matches the body (WebSub, section 8.1)."""
        method, _, given = self.headers.get("x-hub-signature", "").partition("=")
        expected = hmac.new(secret.encode(), self.body, method or "sha256").hexdigest()
        return hmac.compare_digest(given, expected)

    def record(self) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}"
        signature = self.headers.get("x-hub-signature")
        host = self.headers.get("host")
        return {"at": self.at, "host": host, "callback": self.callback, "digest": digest, "signature": signature}


class Subscriber(LoopThread):
    """The subscriber. It may be read from any thread while it serves."""

    def __init__(self, *, port: int = 0, address: str = "127.0.0.1") -> None:
        super().__init__(address, port)
        self.asked: list[Asked] = []
        self.pushes: list[Push] = []
        self._turned: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def callback(self, name: str = "reader", *, conduct: str = "well", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{conduct}/{name}"

    def turn(self, callback: str, conduct: str) -> None:
        """Change the behaviour of a callback, regardless of its path."""
        self._turned[urlsplit(callback).path] = conduct

    def pushed_to(self, name: str) -> list[Push]:
        return [push for push in tuple(self.pushes) if push.callback.endswith(f"/{name}")]

    async def _start(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._connected, sock=listener)

    async def _end(self, server: asyncio.Server) -> None:
        """Wait for connections that are being accepted, and close them with the others, so that no socket leaks."""
        server.close()
        while asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                continue
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # either side is gone
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        conduct = self._turned.get(parts.path) or parts.path.split("/")[1]
        if parts.path == "/pushes":
            after = int(dict(parse_qsl(parts.query)).get("after", "0"))
            answer = "".join(json.dumps(push.record()) + "\n" for push in self.pushes[after:])
            return await _answer(writer, "200 OK", answer)
        if conduct == "silent":
            await asyncio.sleep(SLOW)
            return False
        if method == "GET":
            return await _answer(writer, *self._confirmed(conduct, parts.path, dict(parse_qsl(parts.query))))
        if conduct == "slow":
            await asyncio.sleep(SLOW)
        self.pushes.append(Push(time.time(), parts.path, headers, body))
        return await _answer(writer, _PUSH_STATUS.get(conduct, "202 Accepted"), "")

    def _confirmed(self, conduct: str, path: str, parameters: Mapping[str, str]) -> tuple[str, str]:
        self.asked.append(Asked(path, parameters))
        if conduct == "refuses":
            return "404 Not Found", "I never asked for that."
        if conduct == "mistaken":
            return "200 OK", "something else"
        return "200 OK", parameters.get("hub.challenge", "")


async def _answer(writer: asyncio.StreamWriter, status: str, body: str) -> bool:
    content = body.encode()
    writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
    await writer.drain()
    return True


def subscribe(
    hub: str,
    topic: str,
    callback: str,
    *,
    mode: str = "subscribe",
    session: requests.Session | None = None,
    **more: str,
) -> requests.Response:
    """Ask a hub to start or end a subscription. `more`: `secret`, `lease_seconds`."""
    fields = {"mode": mode, "topic": topic, "callback": callback, **more}
    form = {f"hub.{name}": value for name, value in fields.items()}
    return (session or requests).post(hub, data=form, timeout=20)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m standins.subscriber", description="A WebSub subscriber.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with Subscriber(port=arguments.port, address="0.0.0.0") as subscriber:
        print(f"ready http://127.0.0.1:{subscriber.port}/", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
