"""Waiting for an event ends with it, with the time, or with a cancellation that comes at the same moment."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.web.waiting import wait_for


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_cancellation_that_comes_with_the_event_is_not_lost(turns: int) -> None:
    async def walk() -> bool:
        event = asyncio.Event()
        waiting = asyncio.create_task(wait_for(event, seconds=60))
        await asyncio.sleep(0)
        event.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        is_cancelled = waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return waiting.cancelled() == is_cancelled

    assert asyncio.run(walk())


def test_it_ends_with_the_event_or_the_time() -> None:
    async def walk() -> None:
        event = asyncio.Event()
        await wait_for(event, seconds=0.001)
        event.set()
        async with asyncio.timeout(60):
            await wait_for(event, seconds=600)

    asyncio.run(walk())
