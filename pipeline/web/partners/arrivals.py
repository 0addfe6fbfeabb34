"""Long polling: a single query serves all clients that wait for changes, and waiting occupies no thread."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection

from fastapi.concurrency import run_in_threadpool

from pipeline.errors import TransientError
from pipeline.web.waiting import wait_for

EVERY = 0.5  # seconds between queries
MANY = 500  # clients that may wait in one process; others are answered at once
MANY_OF_ONE = 20  # … for one channel


class Arrivals:
    """`look` returns which of the (channel, cursor) pairs have something to read. It may raise TransientError."""

    def __init__(self, look: Callable[[Collection[tuple[str, str]]], Collection[tuple[str, str]]]) -> None:
        self._look = look
        self._waiting: defaultdict[tuple[str, str], list[asyncio.Event]] = defaultdict(list)
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False

    async def wait(self, channel: str, cursor: str, *, seconds: float) -> None:
        """Wait until there may be something after the cursor or the time is up. Return at once if too many wait."""
        if self._stopped:
            return
        waiting_for_channel = sum(len(events) for (other, _), events in self._waiting.items() if other == channel)
        if waiting_for_channel >= MANY_OF_ONE or sum(map(len, self._waiting.values())) >= MANY:
            return
        place, event = (channel, cursor), asyncio.Event()
        self._waiting[place].append(event)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            await wait_for(event, seconds=seconds)
        finally:
            self._waiting[place].remove(event)
            if not self._waiting[place]:
                del self._waiting[place]

    def stop(self) -> None:
        """Answer every waiting request now, and let no further request wait."""
        self._stopped = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def _poll(self) -> None:
        """Query as long as anyone waits."""
        while self._waiting:
            places = list(self._waiting)
            try:
                found = await run_in_threadpool(self._look, places)
            except TransientError:
                found = places  # wake everyone: their next query raises the error
            for place in found:
                for event in self._waiting.get(place, ()):
                    event.set()
            await asyncio.sleep(EVERY)
