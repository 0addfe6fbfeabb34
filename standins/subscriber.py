"""A WebSub subscriber over real HTTP, or a thousand of them: each callback's path says how it behaves.

    python -m standins.subscriber --port 0

prints `ready http://127.0.0.1:PORT/` and serves until it is terminated. In-process: `with Subscriber() as subscriber:`.

A callback is `/{conduct}/{name}`, on any of the host's loopback addresses:

    well        confirms what the hub asks, takes every push
    refuses     answers 404 when it is asked whether it means it
    mistaken    confirms with another challenge
    silent      never answers anything
    slow        confirms, takes `SLOW` seconds for a push
    failing     confirms, answers 500 to a push
    gone        confirms, answers 410 to a push
    moved       confirms, answers 302 to a push

`GET /pushes?after=N` gives what was pushed as JSON lines.
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
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import requests

SLOW = 30.0  # seconds: longer than any hub waits

_PUSH_STATUS = {"failing": "500 Internal Server Error", "gone": "410 Gone", "moved": "302 Found"}


@dataclass(frozen=True)
class Asked:
    """A question of the hub: verification of intent, or a denial."""

    callback: str  # its path
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Push:
    at: float  # Unix time
    callback: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def signed_with(self, secret: str) -> bool:
        """As WebSub has it, section 8.1: computed anew over the body's bytes."""
        method, _, given = self.headers.get("x-hub-signature", "").partition("=")
        expected = hmac.new(secret.encode(), self.body, method or "sha256").hexdigest()
        return hmac.compare_digest(given, expected)

    def record(self) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}"
        signature = self.headers.get("x-hub-signature")
        host = self.headers.get("host")
        return {"at": self.at, "host": host, "callback": self.callback, "digest": digest, "signature": signature}


class Subscriber:
    """Safe to read from any thread while it serves."""

    def __init__(self, *, port: int = 0, address: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self.pushes: list[Push] = []
        self._turned: dict[str, str] = {}
        self._bind = (address, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="subscriber", daemon=True)
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(self._bind, backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def callback(self, name: str = "reader", *, conduct: str = "well", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{conduct}/{name}"

    def turn(self, callback: str, conduct: str) -> None:
        """The callback behaves otherwise from now on than its path says."""
        self._turned[urlsplit(callback).path] = conduct

    def pushed_to(self, name: str) -> list[Push]:
        return [push for push in tuple(self.pushes) if push.callback.endswith(f"/{name}")]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, sock=self._listener))
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))
        self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        """Let connections that are just being accepted begin, and end them with the others: each closes its socket."""
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
            return  # the hub has gone, or we have
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
    """Ask a hub for a subscription, or to end one. `more`: `secret`, `lease_seconds`."""
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
