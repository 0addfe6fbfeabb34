"""Undo an operation: every article goes back to what it said before, as a new revision, or is withdrawn."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, operations
from pipeline.ledger.articles import revisions
from pipeline.ledger.operations import Operation, Part
from pipeline.model.event import Accepted, Event, Origin, Publish, Withdraw
from pipeline.stages.accept import Intake, accept_all

REASON = "Its publication was undone."


class Undone(Struct, frozen=True):
    """`overtaken`: articles that were changed since, and are left as they are."""

    operation: str
    accepted: tuple[Accepted, ...]
    overtaken: tuple[str, ...]


def undo(intake: Intake, operation_id: str, *, by: str, reason: str = REASON) -> Undone:
    """Undo an operation in one transaction. Raises InvalidEvent (`unknown-operation`), and as `accept_all`."""
    new_id = intake.new_id("op_")
    with intake.ledger.read() as transaction:
        if operations.find(transaction, operation_id) is None:
            raise InvalidEvent(
                f"no operation {operation_id!r} is known",
                code="unknown-operation",
                field="operation",
                hint="give the id that `citewire operations` shows",
            )
        changed = [one for one in operations.parts_of(transaction, operation_id) if one.revision != one.before]
        newest = {part.article: part for part in changed}  # an operation may change one article several times
        first = {part.article: part for part in reversed(changed)}
        left = [id for id, part in newest.items() if operations.changed_since(transaction, id, part.revision)]
        wanted = [first[id] for id in newest if id not in left]
        events = list(_events(transaction, wanted, new_id, reason))
    operation = Operation(new_id, "undo", by, intake.clock(), operation_id)
    return Undone(new_id, tuple(accept_all(intake, events, operation)), tuple(left))


def _events(transaction: Transaction, parts: list[Part], operation: str, reason: str) -> Iterator[Event]:
    for number, part in enumerate(parts, start=1):
        origin = Origin(source="urn:citewire:undo", id=f"{operation}/{number}")
        if part.before is None or revisions.content_of(transaction, part.article, part.before) is None:
            yield Withdraw(origin, part.article, reason)
        else:
            yield Publish(origin, revisions.get(transaction, part.article, part.before).article)
