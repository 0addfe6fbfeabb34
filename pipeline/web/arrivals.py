"""Long polling: each thing is looked for once, however many clients wait for it, and waiting occupies no thread."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

from fastapi.concurrency import run_in_threadpool

from pipeline.errors import TransientError
from pipeline.web.waiting import wait_for

EVERY = 0.5  # seconds between looks
MANY = 500  # clients that may wait in one process; others are answered at once
MANY_OF_ONE = 20  # … of one channel, or with one token

What = TypeVar("What", bound=Hashable)


class Arrivals(Generic[What]):
    """`look` returns which of the things waited for are there. It may raise TransientError."""

    def __init__(self, look: Callable[[Collection[What]], Collection[What]]) -> None:
        self._look = look
        self._waiting: defaultdict[tuple[str, What], list[asyncio.Event]] = defaultdict(list)
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def waiting(self) -> int:
        """How many clients wait."""
        return sum(map(len, self._waiting.values()))

    async def wait(self, whose: str, what: What, *, seconds: float) -> bool:
        """Wait until it may be there or the time is up. Return at once, with False, if too many wait.

        `whose`: the channel or token that waits.
        """
        if self._stopped:
            return False
        mine = sum(len(events) for (other, _), events in self._waiting.items() if other == whose)
        if mine >= MANY_OF_ONE or self.waiting >= MANY:
            return False
        place, event = (whose, what), asyncio.Event()
        self._waiting[place].append(event)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            await wait_for(event, seconds=seconds)
        finally:
            self._waiting[place].remove(event)
            if not self._waiting[place]:
                del self._waiting[place]
        return event.is_set() and not self._stopped

    def stop(self) -> None:
        """Answer every waiting request now, and let no further request wait."""
        self._stopped = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def _poll(self) -> None:
        """Query as long as anyone waits."""
        while self._waiting:
            wanted = {what for _, what in self._waiting}
            try:
                found = set(await run_in_threadpool(self._look, wanted))
            except TransientError:
                found = wanted  # wake everyone: their next query raises the error
            for (_, what), events in self._waiting.items():
                if what in found:
                    for event in events:
                        event.set()
            await asyncio.sleep(EVERY)
