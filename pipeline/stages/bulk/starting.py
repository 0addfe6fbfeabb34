"""Prepare an action on all articles that match a search, show what it concerns, and start it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.intake.fields.reasons import reason_of
from pipeline.ledger import Transaction, bulk, operations
from pipeline.ledger.bulk import KEPT, Action, Bulk, Chosen, Holder
from pipeline.ledger.operations import Operation
from pipeline.stages.accept import Intake
from pipeline.stages.bulk.portions import operation_of


class Prepared(Struct, frozen=True):
    """An action that concerns these articles, and nothing else, once it is started."""

    one: Bulk
    holders: tuple[Holder, ...]  # who has some of them now


def prepare(intake: Intake, action: Action, choose: Callable[[Transaction], Iterable[Chosen]], *, by: str) -> Prepared:
    """Write down the articles that `choose` finds. Raises InvalidEvent `nothing-matches` if there are none."""
    seen = intake.clock()
    with intake.ledger.snapshot() as transaction:
        chosen = list(choose(transaction))
    if not chosen:
        raise InvalidEvent("no article matches", code="nothing-matches", hint="search for something else")
    one = Bulk(operation=intake.new_id("op_"), action=action, by=by, seen=seen, count=len(chosen))
    with intake.ledger.write() as transaction:
        bulk.prepare(transaction, one, chosen)
    return prepared(intake, one.operation)  # who has them is counted while nobody waits to write


def waiting(intake: Intake, operation: str) -> Bulk:
    """Return an action that was prepared within the hour and not started. Raises InvalidEvent `not-prepared`."""
    with intake.ledger.read() as transaction:
        return _found(transaction, intake, operation)


def prepared(intake: Intake, operation: str) -> Prepared:
    """Return the same with who has what it concerns now."""
    with intake.ledger.read() as transaction:
        return Prepared(_found(transaction, intake, operation), tuple(bulk.holders(transaction, operation)))


def start(intake: Intake, operation: str, *, by: str, reason: str | None = None) -> Operation:
    """Have a prepared action carried out by the workers. Raises InvalidEvent.

    Only who prepared it may start it: somebody else has not seen what it concerns.
    """
    now = intake.clock()
    with intake.ledger.write() as transaction:
        one = _found(transaction, intake, operation)
        if one.by != by:
            raise _not_prepared(operation)
        why = reason_of(reason or "", field="reason") if one.action == "withdraw" else None
        if not bulk.start(transaction, operation, reason=why, now=now):
            raise _not_prepared(operation)
        recorded = operation_of(one)
        operations.begin(transaction, recorded)
    intake.doorbell.ring("bulk")
    return recorded


def _found(transaction: Transaction, intake: Intake, operation: str) -> Bulk:
    one = bulk.find(transaction, operation)
    if one is None or one.due is not None or one.seen < intake.clock() - KEPT:
        raise _not_prepared(operation)
    return one


def _not_prepared(operation: str) -> InvalidEvent:
    return InvalidEvent(
        f"no action {operation!r} waits to be started",
        code="not-prepared",
        field="operation",
        hint="it was started, or replaced by a later one, or is more than an hour old: search again",
    )
