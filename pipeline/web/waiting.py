"""Waiting for something to happen in the event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def wait_for(event: asyncio.Event, *, seconds: float) -> None:
    """Wait until the event is set or the time is up.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that comes with the event: whoever was to be ended goes on
    (https://github.com/python/cpython/issues/86296).
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
