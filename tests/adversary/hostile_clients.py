"""Attacks on the web server, as clients of many addresses make them. Each goes on until it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from seeds import REQUESTS, SALT, strange

_MOST = 262_144  # bytes of an answer that are kept
_CONNECTIONS = 240  # of one address, which may have 256
_EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.md"))
_GROWING = ("::: note\n", "<a", "when ", "`" * 3, "token ", "[1](", "> ", "| a ", "*_", "&#1;", " ")


@dataclass
class Target:
    """Where the system is, what an attacker may know of it, and what is kept of its answers."""

    port: int
    feed: str
    callbacks: str  # the address of the hostile subscribers
    tokens: dict[str, str]  # of a partner and of an author, who have theirs by right
    watched: Path
    subscriber_secret: str
    answers: IO[bytes]
    answers_to_author: IO[bytes]
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def connection(self, source: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0), limit=_MOST)
        self.counts["connections"] += 1
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def ask(self, source: str, request: bytes) -> bytes:
        """Send one request on a connection of its own, and return the whole answer."""
        async with self.connection(source) as (reader, writer):
            writer.write(request)
            self.counts["requests"] += 1
            answer = b""
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(20):
                    while len(answer) < _MOST and (more := await reader.read(65_536)):
                        answer += more
        self.keep(request, answer)
        return answer

    def keep(self, request: bytes, answer: bytes) -> None:
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.1 ") else "none"
        self.counts[f"answers {status}"] += 1
        typed = b"content-type: application/problem+json" in answer.lower()
        if status[0] == "5" and (status != "503" or not typed):
            self.wrong.append(f"{status} to {request[:300]!r}: {answer[:500]!r}")
        _, _, body = answer.partition(b"\r\n\r\n")
        digest = hashlib.sha256(body).digest()
        if digest not in self._seen:
            self._seen.add(digest)
            is_authors = self.tokens["author"].encode() in request
            (self.answers_to_author if is_authors else self.answers).write(answer + b"\n")


def request(method: str, path: str, body: bytes = b"", *fields: str) -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: notes.example.org", "Connection: close", *fields]
    return "\r\n".join([*head, f"Content-Length: {len(body)}"]).encode("latin-1") + b"\r\n\r\n" + body


Attack = Callable[[Target, random.Random], Awaitable[None]]


async def _held_open(target: Target, chance: random.Random, start: Callable[[], bytes], more: bytes = b"") -> None:
    """Keep many connections that have sent `start`; each sends `more` now and then. One that is cut is made again."""
    source = address(chance)

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                async with target.connection(source) as (reader, writer):
                    writer.write(start())
                    while not await _answered(reader, within=1.0):
                        writer.write(more)
            await asyncio.sleep(0.5)

    await _many(one, _CONNECTIONS)


async def _answered(reader: asyncio.StreamReader, *, within: float) -> bool:
    """Return whether an answer begins, or the connection ends, in so many seconds."""
    try:
        async with asyncio.timeout(within):
            await reader.read(1)
    except TimeoutError:
        return False
    return True


async def half_heads(target: Target, chance: random.Random) -> None:
    await _held_open(target, chance, lambda: b"GET /feeds/honest.rss HTTP/1.1\r\nHost: a\r\nX-Half: ")


async def half_bodies(target: Target, chance: random.Random) -> None:
    token = f"Authorization: Bearer {target.tokens['author']}"
    kinds = ("application/cloudevents+json", "application/x-www-form-urlencoded")

    def start() -> bytes:
        path = chance.choice(["/v1/events", "/hub", "/console/sign-in", "/v1/hooks/ghost"])
        whole = request("POST", path, b"x" * 10_000, f"Content-Type: {chance.choice(kinds)}", token)
        return whole[:-5_000]

    await _held_open(target, chance, start, more=b"x")


async def many_connections(target: Target, chance: random.Random) -> None:
    await _held_open(target, chance, lambda: b"")


async def endless_heads(target: Target, chance: random.Random) -> None:
    async def one() -> None:
        async with target.connection(address(chance)) as (_, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
            while not writer.transport.is_closing():
                writer.write(b"x-%d: %s\r\n" % (chance.randrange(10**9), b"y" * chance.choice([10, 1_000, 8_000])))
                await writer.drain()
                await asyncio.sleep(0.005)

    await _many(_again(one), 20)


async def header_floods(target: Target, chance: random.Random) -> None:
    async def one() -> None:
        fields = [f"x-{number}: {'z' * chance.choice([1, 300])}" for number in range(chance.choice([90, 101, 2_000]))]
        await target.ask(address(chance), request("GET", "/feeds/honest.rss", b"", *fields))
        await asyncio.sleep(0.2)

    await _many(_again(one), 4)


async def slow_readers(target: Target, chance: random.Random) -> None:
    source = address(chance)

    async def one() -> None:
        async with target.connection(source) as (reader, writer):
            writer.write(
                request("GET", chance.choice(["/feeds/honest.rss", "/feeds/honest.json", "/sitemap.xml"])) * 16
            )
            while await reader.read(1):
                await asyncio.sleep(1.0)

    await _many(_again(one), 100)


async def long_polls(target: Target, chance: random.Random) -> None:
    async def one() -> None:
        token = f"Authorization: Bearer {target.tokens['partner:theirs']}"
        path = f"/partners/theirs/changes?limit=1000&wait=60&after={chance.choice(['', '9999', '0-0', '%00'])}"
        await target.ask(address(chance), request("GET", path, b"", token))
        await asyncio.sleep(0.5)

    await _many(_again(one), 60)


async def reconnects(target: Target, chance: random.Random) -> None:
    async def one() -> None:
        async with target.connection(address(chance)) as (_, writer):
            writer.write(b"GET / HT")
        await asyncio.sleep(0.02)

    await _many(_again(one), 4)


async def wrong_tokens(target: Target, chance: random.Random) -> None:
    async def one() -> None:
        wrong = chance.choice(["", "x" * 3_000, "cw_" + "0" * 40, target.tokens["author"][:-1], "\xff"])
        path = chance.choice(["/v1/articles", "/v1/deliveries", "/partners/pulled/changes", "/v1/operations"])
        if chance.random() < 0.3:
            await target.ask(address(chance), request("GET", f"{path}?token={target.tokens['partner:theirs']}"))
        elif chance.random() < 0.3:
            form = urlencode({"token": wrong}, encoding="latin-1").encode()
            kind = "Content-Type: application/x-www-form-urlencoded"
            await target.ask(
                address(chance), request("POST", "/console/sign-in", form, kind, "Sec-Fetch-Site: same-origin")
            )
        else:
            token = chance.choice([wrong, target.tokens["author"], target.tokens["partner:theirs"]])
            await target.ask(address(chance), request("GET", path, b"", f"Authorization: Bearer {token}"))
        await asyncio.sleep(0.1)

    await _many(_again(one), 4)


async def strange_requests(target: Target, chance: random.Random) -> None:
    ours = {b"Bearer cms": target.tokens["author"].encode(), b"Bearer root": target.tokens["partner:theirs"].encode()}

    async def one() -> None:
        text = strange(chance, REQUESTS)
        for name, token in ours.items():
            text = text.replace(name, b"Bearer " + token)
        head, _, body = text.partition(b"\n\n")
        first, *fields = head.split(b"\n")
        lines = [first + b" HTTP/1.1", b"Host: a", b"Connection: close", b"Content-Length: %d" % len(body), *fields]
        await target.ask(address(chance), b"\r\n".join(lines) + b"\r\n\r\n" + body)
        await asyncio.sleep(0.05)

    await _many(_again(one), 4)


async def hub_flood(target: Target, chance: random.Random) -> None:
    source = address(chance)

    async def one() -> None:
        number = chance.randrange(10**9)
        private = ("http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/", "http://localhost:22/")
        callback = f"{target.callbacks}/hub/{number}" if chance.random() < 0.8 else chance.choice(private) + str(number)
        form = {"hub.mode": "subscribe", "hub.topic": target.feed, "hub.callback": callback}
        form |= {"hub.secret": target.subscriber_secret} if chance.random() < 0.5 else {}
        kind = "Content-Type: application/x-www-form-urlencoded"
        await target.ask(source, request("POST", "/hub", urlencode(form).encode(), kind))
        await asyncio.sleep(0.02)

    await _many(_again(one), 4)


async def hostile_articles(target: Target, chance: random.Random) -> None:
    kind, token = "Content-Type: application/cloudevents+json", f"Authorization: Bearer {target.tokens['author']}"

    async def one() -> None:
        number = chance.randrange(10**9)
        event = {
            "specversion": "1.0",
            "type": f"org.citewire.article.{chance.choice(['published', 'published', 'updated', 'withdrawn'])}",
            "source": "urn:hostile",
            "id": str(number),
            "subject": f"hostile-{number % 30}",
            "datacontenttype": chance.choice(["text/markdown", "text/html", "application/json"]),
            "data": hostile_text(chance),
        }
        body = json.dumps(event).encode()
        await target.ask(address(chance), request("POST", "/v1/events", body, kind, token))
        await asyncio.sleep(1.0)

    await _many(_again(one), 3)


async def watched_files(target: Target, chance: random.Random) -> None:
    """Put strange files into a folder that `citewire watch` reads, and links to what it must not read."""
    names = ("index", "con", "a b", "\u202egnp", "-rf", "x" * 120, "..secret", "ordinary")
    for number, name in enumerate(("/etc/passwd", "../outside/secret.md")):
        with contextlib.suppress(FileExistsError):
            (target.watched / f"link-{number}.md").symlink_to(name)
    while True:
        suffix = chance.choice([".md", ".html", ".json", ".txt", ".docx", ""])
        file = target.watched / f"{chance.choice(names)}-{chance.randrange(20)}{suffix}"
        file.write_bytes(hostile_text(chance).encode("utf-8", "surrogateescape"))
        target.counts["files"] += 1
        await asyncio.sleep(0.7)


def hostile_text(chance: random.Random) -> str:
    if chance.random() < 0.1:
        grown = chance.choice(_GROWING) * 20_000
        return f"---\ntitle: Grown\nsummary: It grew.\n---\n\n## When\n\n{grown}\n"
    examples = [path.read_bytes()[:8_000] for path in _EXAMPLES]
    text = strange(chance, [*examples, b"---\ntitle: T\nsummary: S\nreferences: [1]\n---\n\n## A\n\nRest. [1]\n"])
    return (text + chance.choice(SALT)).decode("utf-8", "replace")


def address(chance: random.Random) -> str:
    """Return one of three addresses, none of which is that of an honest client."""
    return f"127.0.0.{chance.randint(61, 63)}"


def _again(one: Callable[[], Awaitable[None]]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def forever() -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError):
                await one()
            await asyncio.sleep(0.01)

    return forever


async def _many(one: Callable[[], Coroutine[Any, Any, None]], number: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(one())
            await asyncio.sleep(0.002)


BY_NAME: dict[str, Attack] = {
    "half-heads": half_heads,
    "half-bodies": half_bodies,
    "endless-heads": endless_heads,
    "header-floods": header_floods,
    "slow-readers": slow_readers,
    "long-polls": long_polls,
    "many-connections": many_connections,
    "reconnects": reconnects,
    "wrong-tokens": wrong_tokens,
    "strange-requests": strange_requests,
    "hub-flood": hub_flood,
    "hostile-articles": hostile_articles,
    "watched-files": watched_files,
}
