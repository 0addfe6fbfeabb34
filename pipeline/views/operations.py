"""What commands, events and people did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.ledger import Transaction
from pipeline.ledger import operations as ledger_operations
from pipeline.ledger.operations import Operation as Recorded
from pipeline.views.fields import ArticleId, Count, RevisionNumber, Time

OperationId = Annotated[str, Field(examples=["op_5f2d8c1e9a7b"])]


@dataclass(frozen=True, slots=True)
class OperationPart:
    """What an operation did to one article."""

    article: ArticleId
    before: Annotated[int | None, Field(description="The newest revision before; null where there was no article.")]
    revision: RevisionNumber
    outcome: Annotated[str, Field(description="published, updated, withdrawn, unchanged or overtaken")]


@dataclass(frozen=True, slots=True)
class Operation:
    """A command, an event or an undo, with what became of each of its parts."""

    operation: OperationId
    kind: Annotated[str, Field(description="publish, withdraw, event or undo", examples=["publish"])]
    by: Annotated[str, Field(description="The command, or the name of the token.", examples=["cms"])]
    at: Time
    undoes: OperationId | None
    changed: Annotated[Count, Field(description="How many parts changed an article.")]
    parts: tuple[OperationPart, ...]


@dataclass(frozen=True, slots=True)
class OperationList:
    """The newest operations, the newest first."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """The operation that took another back."""

    operation: OperationId
    undone: Count
    overtaken: Annotated[tuple[ArticleId, ...], Field(description="Articles that were changed since, and left alone.")]


def operation(transaction: Transaction, operation_id: str) -> Operation | None:
    found = ledger_operations.find(transaction, operation_id)
    return None if found is None else _operation(transaction, found)


def operations(transaction: Transaction, *, limit: int) -> OperationList:
    found = ledger_operations.newest(transaction, limit=limit)
    return OperationList(tuple(_operation(transaction, one) for one in found))


def _operation(transaction: Transaction, one: Recorded) -> Operation:
    parts = ledger_operations.parts_of(transaction, one.id)
    shown = tuple(OperationPart(part.article, part.before, part.revision, part.outcome) for part in parts)
    changed = sum(part.revision != part.before for part in parts)
    return Operation(one.id, one.kind, one.by, one.at, one.undoes, changed, shown)
