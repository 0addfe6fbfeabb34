"""/healthz: this process answers. /readyz: it can do its work."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Response
from pydantic import Field

from pipeline.errors import CitewireError
from pipeline.ledger import readiness
from pipeline.stages.context import Context
from pipeline.stages.stage import caught
from pipeline.web.rooms import Room

T = TypeVar("T")

WITHIN = 1.5  # seconds to wait for each answer, because probes give up after a few


@dataclass(frozen=True, slots=True)
class Health:
    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether events can be accepted. Without the queue or workers they can: they wait in the ledger."""

    ready: bool
    ledger: Annotated[bool, Field(description="The ledger can be read and written.")]
    queue: bool
    processes: Annotated[
        tuple[str, ...],
        Field(description="Those that gave a sign of life lately.", examples=[("deliver@host-a:4711",)]),
    ]
    causes: Annotated[tuple[str, ...], Field(description="Why it is not ready.", examples=[("disk-full: …",)])]


_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": Readiness, "description": "Events cannot be accepted."}}


def router(
    context: Context,
    alive: Callable[[], list[str] | None],
    disk: Callable[[], str | None],
) -> Room:
    """Return the routes of health checks.

    `alive` returns the processes with a recent heartbeat, or None if the queue does not answer. `disk` returns what is
    wrong with the disk, or None.
    """
    health = Room(tags=["operations"])
    processes: Question[list[str] | None] = Question(alive)
    ledger: Question[str | None] = Question(functools.partial(_ledger_cause, context))
    space: Question[str | None] = Question(disk)

    @health.get("/healthz")
    async def healthz() -> Health:
        """Return 200 as long as this process answers."""
        return Health("ok")

    @health.get("/readyz", responses=_NOT_READY)
    async def readyz(response: Response) -> Readiness:
        """Return 200 if events can be accepted, or 503 with the causes."""
        workers, *found = await asyncio.gather(
            processes.answer(within=WITHIN, otherwise=None),
            ledger.answer(within=WITHIN, otherwise=f"ledger-unreachable: no answer within {WITHIN:g} seconds"),
            space.answer(within=WITHIN, otherwise=f"disk-silent: a disk did not answer within {WITHIN:g} seconds"),
        )
        hold = context.hold()
        found.append(None if hold is None else f"{hold.code}: {hold}")
        causes = tuple(cause for cause in found if cause is not None)
        if causes:
            response.status_code = 503
        return Readiness(not causes, not causes, workers is not None, tuple(workers or ()), causes)

    return health


def _ledger_cause(context: Context) -> str | None:
    try:
        with context.ledger.read() as transaction:
            return readiness.obstacle(transaction, now=context.clock())
    except CitewireError as error:
        return f"{error.code}: {error}"


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
