"""The base of stages: work that is due in the ledger, claimed a few rows at a time under a lease, until none is left.

`caught` is the task boundary and contains the program's only `except Exception`. Any exception that a stage raises is
logged and recorded in the affected rows, with the time of the next attempt; other rows are still processed.
"""

from __future__ import annotations

import datetime as dt
import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Literal, TypeVar

import structlog
from msgspec import Struct

from pipeline.errors import TransientError
from pipeline.ledger import Transaction
from pipeline.ledger.claims import DueRows
from pipeline.stages.context import Context
from pipeline.stages.ids import Ids, in_lines, named
from pipeline.stages.working import Work

_log = structlog.get_logger()

T = TypeVar("T")


class Claim(Struct, frozen=True):
    """Leased rows: a batch for enrich and deliver, a single row for the other stages."""

    token: str
    keys: tuple[str, ...]
    generation: int = 0  # the generation of a feed when it was claimed


class Bell(Struct, frozen=True):
    """A reason to ring for a stage: `key` is the part of it that has work, such as a channel."""

    key: str = ""
    urgent: bool = False


class Stage(ABC):
    """One kind of work. To add a stage, subclass this and list an instance in `pipeline.stages.flow.STAGES`.

    `Periodic` is the base of those that only run again after a pause.

    An instance keeps nothing between calls: all state is in the ledger, so a stage may be killed at any instruction and
    run again.
    """

    name: ClassVar[str]  # what doorbells ring for; the Celery task is called "citewire.NAME"
    worker: ClassVar[Literal["pipeline", "deliver"]] = "pipeline"  # the kind of worker that runs it
    budget: ClassVar[float] = 600.0  # seconds that a claim may take before its process is replaced
    kind: ClassVar[str] = ""  # what a claim's keys are ids of, for the log
    threads: ClassVar[int | None] = None  # that may run it at once in one process; None: as many as the worker has
    threads_with_key: ClassVar[int | None] = None  # the same, with one key

    @property
    def queue(self) -> str:
        """The Celery queue of its doorbells."""
        return self.name

    @abstractmethod
    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        """Return what the sweep should ring for. Called every second, so each query must be answered by an index."""

    @abstractmethod
    def claim(self, context: Context, key: str = "") -> Sequence[Claim]:
        """Lease rows that are due, limited to `key` where it applies. Empty if nothing is due."""

    def may_be_left(self, context: Context, key: str = "") -> bool:
        """Return whether another claim may find something.

        Asked after each claim. A stage that knows it from reading spares the ledger's writers the wait for a claim of
        nothing.
        """
        return True

    @abstractmethod
    def do(self, context: Context, claim: Claim) -> bool:
        """Process a claim and record the outcome. Return False to leave the rest for later."""

    @abstractmethod
    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Record an unforeseen error and postpone the rows."""

    def over(self, context: Context, work: Work) -> None:
        """Postpone what a thread of this process works on without end. Called by another thread."""
        message = f"took more than {work.most:g} seconds"
        self.failed(context, Claim(work.token, work.keys), TransientError(message, code="over-budget"))

    @abstractmethod
    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Release what was claimed but not processed."""

    def ids(self, claim: Claim) -> Ids:
        """Return the ids by which the log's lines about a claim are found."""
        return named(self.kind, claim.keys)

    def drain(self, context: Context, key: str = "") -> int:
        """Process what is due, for at most about `drain_seconds`. Return the number of claims processed."""
        return drain(context, self, key)

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows | None:
        """Return which rows are due, for the one statement that counts those of every stage.

        None: the stage works on no rows, and what `due` returns is counted.
        """
        return None


def drain(context: Context, stage: Stage, key: str = "") -> int:
    """Claim and process until nothing is due, for at most about `drain_seconds`. Return the number of claims.

    A process that may take no work (`Context.hold`) claims nothing, and releases what it has not begun.
    """
    done, stop = 0, time.monotonic() + context.policy.drain_seconds
    while context.hold() is None and (claims := stage.claim(context, key)):
        for position, claim in enumerate(claims):
            go_on = _do(context, stage, claim)
            done += 1
            if not go_on or time.monotonic() > stop or context.hold() is not None:
                stage.release(context, claims[position + 1 :])
                return done
        if not stage.may_be_left(context, key):
            break
    return done


def caught(step: Callable[[], T]) -> T | Exception:
    """Return what the step returns, or the exception that it raised."""
    try:
        return step()
    except Exception as error:
        return error


def guarded(stage: str, ids: Ids, step: Callable[[], T]) -> T | Exception:
    """Return what the step returns, or the exception that it raised, logged, so that other rows are not affected.

    Each line that is logged meanwhile has the ids, under the names that `ids.py` gives them.
    """
    with in_lines(stage, ids):
        outcome = caught(lambda: (step(),))  # a step may return an exception that it expected
    return _logged(stage, ids, outcome)


def guarded_within(stage: str, ids: Ids, step: Callable[[], T]) -> T | Exception:
    """Do the same within a step that is guarded with these ids, which the lines of this thread therefore have."""
    return _logged(stage, ids, caught(lambda: (step(),)))


def _logged(stage: str, ids: Ids, outcome: tuple[T] | Exception) -> T | Exception:
    if isinstance(outcome, Exception):
        _log.error("failed", stage=stage, **ids, exc_info=outcome)
        return outcome
    return outcome[0]


def _do(context: Context, stage: Stage, claim: Claim) -> bool:
    with context.working.on(stage.name, claim.token, claim.keys, stage.budget):
        outcome = guarded(stage.name, stage.ids(claim), lambda: stage.do(context, claim))
    if isinstance(outcome, Exception):
        _record(context, stage, claim, outcome)
        return True
    return outcome


def _record(context: Context, stage: Stage, claim: Claim, error: Exception) -> None:
    """Record a failure, or have it recorded later if the ledger does not take it, as during a failover."""
    try:
        stage.failed(context, claim, error)
    except TransientError:
        context.unrecorded.append(functools.partial(stage.failed, context, claim, error))
        raise


def record_late(context: Context) -> None:
    """Record the failures that the ledger did not take. Without it their rows would wait for their leases to end.

    Raises what one of them raises. Only what the ledger does not take now is kept for the next time.
    """
    while context.unrecorded and context.hold() is None:
        late = context.unrecorded.popleft()
        try:
            late()
        except TransientError:
            context.unrecorded.appendleft(late)
            raise
