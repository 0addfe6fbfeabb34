"""Waiting for something to happen in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from fastapi import Request


async def wait_for(event: asyncio.Event, *, seconds: float) -> None:
    """Wait until the event is set or the time is up.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that comes with the event: whoever was to be ended goes on
    (https://github.com/python/cpython/issues/86296).
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def while_connected(request: Request, waiting: Coroutine[Any, Any, object]) -> None:
    """Run what waits until it ends or the client leaves. The request's body must have been read."""
    tasks = [asyncio.ensure_future(waiting), asyncio.ensure_future(_left(request))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
