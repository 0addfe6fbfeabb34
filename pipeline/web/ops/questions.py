"""Query servers that may hang, without the caller hanging as well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from pipeline.stages.stage import caught

T = TypeVar("T")


class Question(Generic[T]):
    """A question asked in its own thread. While it hangs it is not asked again, so at most one thread hangs."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._asked: Future[T | Exception] | None = None

    async def answer(self, *, within: float, otherwise: T) -> T:
        """Return the answer, or `otherwise` after `within` seconds without one. Raises whatever the question raised."""
        if self._asked is None or self._asked.done():
            self._asked = _begin(self._ask)
        answered = asyncio.wrap_future(self._asked)
        done, _ = await asyncio.wait([answered], timeout=within)
        if not done:
            return otherwise
        outcome = answered.result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _begin(ask: Callable[[], T]) -> Future[T | Exception]:
    asked: Future[T | Exception] = Future()

    def run() -> None:
        asked.set_result(caught(ask))

    threading.Thread(target=run, name="question", daemon=True).start()
    return asked
