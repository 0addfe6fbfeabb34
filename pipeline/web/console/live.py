"""What tells open pages that they are out of date: two looks a second at the ledger, whatever the number of pages.

A page says as of which version it was made. Its stream sends an event once there is another one, with that as its id,
and the page fetches itself again. A stream that begins again names the last id it had, and misses nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Literal, get_args

from fastapi.concurrency import run_in_threadpool
from msgspec import Struct

from pipeline.errors import TransientError
from pipeline.ledger import versions
from pipeline.stages.context import Context
from pipeline.web.limits import Rate, taken
from pipeline.web.waiting import wait_for

EVERY = 0.4  # seconds between looks
PACE = Rate(per_second=1 / 2, burst=3)  # events of one stream: on a busy site something changes all the time
LONGEST = 300.0  # seconds of a stream, after which its browser asks again, and is asked who it is
MANY = 300  # streams of a process
MANY_OF_ONE = 20  # … of one session

Kind = Literal["site", "article", "operation"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Topic(Struct, frozen=True):
    """What a page shows."""

    kind: Kind
    id: str = ""


class Watched(Struct, frozen=True):
    """A topic, the version of it that a page shows, and the page's address."""

    topic: Topic
    version: str
    address: str


SITE = Topic("site")


class TooMany(Exception):
    """No further stream is served."""


def versions_of(context: Context, topics: Collection[Topic]) -> dict[Topic, str]:
    """Return the present version of each topic, in eight statements at most."""
    ids = {kind: [one.id for one in topics if one.kind == kind] for kind in KINDS}
    found: dict[Topic, str] = {}
    with context.ledger.read() as transaction:
        if ids["site"]:
            found[SITE] = versions.of_site(transaction, context.clock())
        if ids["article"]:
            every = versions.of_articles(transaction, ids["article"])
            found |= {Topic("article", id): version for id, version in every.items()}
        if ids["operation"]:
            every = versions.of_operations(transaction, ids["operation"])
            found |= {Topic("operation", id): version for id, version in every.items()}
    return found


class Live:
    """The streams of one process. `look` returns the present versions and may raise TransientError."""

    def __init__(self, look: Callable[[Collection[Topic]], Mapping[Topic, str]]) -> None:
        self._look = look
        self._streams: Counter[str] = Counter()  # by session
        self._waiting: defaultdict[Topic, set[asyncio.Event]] = defaultdict(set)
        self._versions: dict[Topic, str] = {}
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def streams(self) -> int:
        return self._streams.total()

    def check_room(self, session: str) -> None:
        """Raise TooMany if there is no room for another stream of the session."""
        if self._stopped or self.streams >= MANY or self._streams[session] >= MANY_OF_ONE:
            raise TooMany

    async def changes(self, topic: Topic, *, session: str, seen: str) -> AsyncIterator[str]:
        """Yield each version that follows the one that was seen, until the time is up or the server stops."""
        changed = asyncio.Event()
        self._streams[session] += 1
        self._waiting[topic].add(changed)
        try:
            now = full_at = asyncio.get_running_loop().time()
            end = now + LONGEST
            while not self._stopped and (now := asyncio.get_running_loop().time()) < end:
                self._begin()
                changed.clear()
                version = self._versions.get(topic, seen)
                if version == seen:
                    await wait_for(changed, seconds=end - now)
                    continue
                full_at, wait = taken(full_at, now, PACE)
                if wait:
                    await self._rest(wait)
                else:
                    yield (seen := version)
        finally:
            self._leave(topic, changed, session)

    def stop(self) -> None:
        """End every stream now, and begin no further one."""
        self._stopped = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def _rest(self, seconds: float) -> None:
        """Wait, but not beyond the server's end."""
        end = asyncio.get_running_loop().time() + seconds
        while not self._stopped and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(min(0.1, seconds))

    def _begin(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())

    def _leave(self, topic: Topic, changed: asyncio.Event, session: str) -> None:
        self._waiting[topic].discard(changed)
        if not self._waiting[topic]:
            del self._waiting[topic]
            self._versions.pop(topic, None)
        self._streams[session] -= 1
        if not self._streams[session]:
            del self._streams[session]

    async def _poll(self) -> None:
        """Look as long as anyone waits. What cannot be read now is read the next time."""
        while self._waiting and not self._stopped:
            try:
                found = await run_in_threadpool(self._look, tuple(self._waiting))
            except TransientError:
                found = {}
            for topic, version in found.items():
                if self._versions.get(topic) != version and topic in self._waiting:
                    self._versions[topic] = version
                    for event in self._waiting[topic]:
                        event.set()
            await asyncio.sleep(EVERY)
