"""Waiting for changes: one look at the ledger serves all who wait, and nobody who waits holds a thread."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection

from fastapi.concurrency import run_in_threadpool

from pipeline.errors import TransientError

EVERY = 0.5  # seconds between two looks
MANY = 500  # who may wait at once in one process; whoever comes then gets the answer of the moment
MANY_OF_ONE = 20  # … of one channel


class Arrivals:
    """`look` tells which of these (channel, cursor) pairs have something to read. It may raise TransientError."""

    def __init__(self, look: Callable[[Collection[tuple[str, str]]], Collection[tuple[str, str]]]) -> None:
        self._look = look
        self._waiting: defaultdict[tuple[str, str], list[asyncio.Event]] = defaultdict(list)
        self._poller: asyncio.Task[None] | None = None

    async def wait(self, channel: str, cursor: str, *, seconds: float) -> None:
        """Until there may be something after the cursor, or the time is over, or too many wait already."""
        of_one = sum(len(events) for (other, _), events in self._waiting.items() if other == channel)
        if of_one >= MANY_OF_ONE or sum(map(len, self._waiting.values())) >= MANY:
            return
        place, event = (channel, cursor), asyncio.Event()
        self._waiting[place].append(event)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._waiting[place].remove(event)
            if not self._waiting[place]:
                del self._waiting[place]

    async def _poll(self) -> None:
        """As long as somebody waits."""
        while self._waiting:
            places = list(self._waiting)
            try:
                found = await run_in_threadpool(self._look, places)
            except TransientError:
                found = places  # whoever asks for them now is told why there is no answer
            for place in found:
                for event in self._waiting.get(place, ()):
                    event.set()
            await asyncio.sleep(EVERY)
