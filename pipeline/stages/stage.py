"""How every stage but accept works: claim a few due rows, do them one after the other, until none is due.

`guarded` is the task boundary, and holds the one `except Exception` of the program: whatever a step throws is written
into the row that it concerns, with the time of the next attempt, logged and counted; the rows beside it go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import structlog
from msgspec import Struct

from pipeline.stages.context import Context, Stage

_log = structlog.get_logger()

T = TypeVar("T")


class Claim(Struct, frozen=True):
    """Leased rows: of most stages one, of enrich and deliver a batch."""

    token: str
    keys: tuple[str, ...]
    generation: int = 0  # of a feed, when it was claimed


class Work(Protocol):
    """A stage, as the task boundary sees it."""

    @property
    def name(self) -> Stage: ...

    def claim(self, context: Context, key: str) -> Sequence[Claim]:
        """Lease what is due (of channel `key`, where that means something); empty where nothing is."""
        ...

    def do(self, context: Context, claim: Claim) -> bool:
        """Do it and write down what became of it. False: leave the rest for later."""
        ...

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """An unforeseen error: put the rows off."""
        ...

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Give back what was claimed and not done."""
        ...


def drain(context: Context, work: Work, key: str = "") -> int:
    """Do what is due, for at most about `drain_seconds`. How many claims were done."""
    done, stop = 0, time.monotonic() + context.policy.drain_seconds
    while claims := work.claim(context, key):
        for position, claim in enumerate(claims):
            go_on = _do(context, work, claim)
            done += 1
            if not go_on or time.monotonic() > stop:
                work.release(context, claims[position + 1 :])
                return done
    return done


def guarded(stage: Stage, keys: Sequence[str], step: Callable[[], T]) -> T | Exception:
    """What the step gives, or what it threw: nothing may take the other rows down with it."""
    try:
        return step()
    except Exception as error:
        _log.exception("failed", stage=stage, keys=keys)
        return error


def _do(context: Context, work: Work, claim: Claim) -> bool:
    went = guarded(work.name, claim.keys, lambda: work.do(context, claim))
    if isinstance(went, Exception):
        work.failed(context, claim, went)
        return True
    return went


def backoff(attempts: int) -> float:
    """Seconds to wait after the n-th unforeseen failure in a row: 2, 4, 8 … up to five minutes."""
    return float(min(2 ** min(attempts + 1, 9), 300))
