"""What commands, events and people did, and what became of each part. Parts are rows of the same transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import operation_parts, operations, revisions

Kind = Literal["publish", "withdraw", "event", "undo"]
PartOutcome = Literal["published", "updated", "withdrawn", "unchanged", "overtaken"]


class Operation(Struct, frozen=True):
    id: str
    kind: Kind
    by: str  # the command, or the token's name
    at: dt.datetime
    undoes: str | None = None  # the operation that it takes back


class Part(Struct, frozen=True):
    article: str
    before: int | None  # the article's newest revision before; None: there was no article
    revision: int  # … and after
    outcome: PartOutcome


def record(transaction: Transaction, operation: Operation, parts: Sequence[Part]) -> None:
    """Add parts to an operation, which is made by its first."""
    row = insert(transaction, operations).values(
        id=operation.id, kind=operation.kind, by=operation.by, at=operation.at, undoes=operation.undoes
    )
    transaction.execute(row.on_conflict_do_nothing())
    mine = operation_parts.c.operation == operation.id
    last = transaction.scalar(sa.select(sa.func.max(operation_parts.c.number)).where(mine)) or 0
    new = [
        {
            "operation": operation.id,
            "number": number,
            "article": part.article,
            "before": part.before,
            "revision": part.revision,
            "outcome": part.outcome,
        }
        for number, part in enumerate(parts, start=last + 1)
    ]
    if new:
        transaction.execute(sa.insert(operation_parts), new)


def find(transaction: Transaction, operation_id: str) -> Operation | None:
    columns = [operations.c[name] for name in Operation.__struct_fields__]
    row = transaction.execute(sa.select(*columns).where(operations.c.id == operation_id)).one_or_none()
    return None if row is None else Operation(*row)


def newest(transaction: Transaction, *, limit: int) -> list[Operation]:
    """Return the newest operations, the newest first."""
    columns = [operations.c[name] for name in Operation.__struct_fields__]
    query = sa.select(*columns).order_by(operations.c.at.desc(), operations.c.id).limit(limit)
    return [Operation(*row) for row in transaction.execute(query)]


def parts_of(transaction: Transaction, operation_id: str) -> list[Part]:
    columns = [operation_parts.c[name] for name in Part.__struct_fields__]
    query = sa.select(*columns).where(operation_parts.c.operation == operation_id).order_by(operation_parts.c.number)
    return [Part(*row) for row in transaction.execute(query)]


def changed_since(transaction: Transaction, article_id: str, number: int) -> bool:
    """Return whether an event changed the article after a revision; news of its evidence is no event."""
    later = sa.select(revisions.c.number).where(
        revisions.c.article == article_id, revisions.c.number > number, revisions.c.event_id.is_not(None)
    )
    return transaction.execute(later.limit(1)).first() is not None
