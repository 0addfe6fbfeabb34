"""What commands, events and people did, part by part. A part is written in the transaction whose result it records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction
from pipeline.ledger.deliveries import IS_UNFINISHED
from pipeline.ledger.kept import kept
from pipeline.ledger.tables import deliveries, operation_parts, operations, revisions

Kind = Literal[
    "publish",
    "withdraw",
    "release",
    "replay",
    "publish-again",
    "schedule",
    "event",
    "undo",
    "apply",
    "reload",
    "empty",
    "give-up",
    "replace",
    "restore",
    "pause",
    "resume",
    "rotate",
    "test",
    "fill",
    "forget",
    "recheck",
    "mend",
    "note",
    "token-create",
    "token-revoke",
    "passkey-invite",
    "passkey-add",
    "passkey-remove",
    "recovery-codes",
    "sign-in",
    "sign-out",
    "migrate",
]
PartOutcome = Literal[
    "published",
    "updated",
    "withdrawn",
    "released",
    "replayed",
    "unchanged",
    "overtaken",
    "refused",
    "left-out",
    "added",
    "moved",
    "renamed",
    "returned",
    "reformatted",
    "refiltered",
    "removed",
    "emptied",
    "given-up",
    "replaced",
    "paused",
    "resumed",
    "rotated",
    "ended",
    "enabled",
    "answered",
    "failed",
    "filled",
    "forgotten",
    "asked",
    "mended",
    "noted",
    "dismissed",
    "reopened",
    "created",
    "revoked",
    "signed-in",
    "signed-out",
    "taken-up",
    "brought-back",
    "went-on",
    "migrated",
]
NOT_DONE: frozenset[PartOutcome] = frozenset({"unchanged", "overtaken", "refused", "left-out", "failed"})


OperationState = Literal["done", "running", "interrupted"]
ALIVE = dt.timedelta(seconds=30)  # after the last sign of life
BY_ITSELF = dt.timedelta(days=36_500)  # of an operation that goes on whichever process is killed


class Operation(Struct, frozen=True):
    id: str
    kind: Kind
    by: str  # the command, or the token's name
    at: dt.datetime
    undoes: str | None = None  # the operation that it reverses
    planned: int | None = None  # number of parts, if known in advance
    ended: dt.datetime | None = None
    alive_until: dt.datetime | None = None

    def state(self, now: dt.datetime) -> OperationState:
        """Return whether it has ended, is still being carried out, or was interrupted."""
        if self.ended is not None:
            return "done"
        return "running" if self.alive_until is not None and now < self.alive_until else "interrupted"


class Part(Struct, frozen=True):
    article: str | None  # None: a file in which no id could be read
    before: int | None  # the article's newest revision before; None: there was no article
    revision: int | None  # … and after
    outcome: PartOutcome
    file: str | None = None
    channel: str | None = None
    reason: str | None = None


class Owed(Struct, frozen=True):
    """What a replay has made due and its channels do not have: deliveries, whatever they are to send by now."""

    to_arrive: int = 0
    given_up: int = 0  # once more


_ADD = kept(lambda new: new(operations).on_conflict_do_nothing().returning(operations.c.id))
_ADD_PARTS = sa.insert(operation_parts)
_LAST_PART = sa.select(sa.func.max(operation_parts.c.number)).where(
    operation_parts.c.operation == sa.bindparam("of_operation")
)


def begin(transaction: Transaction, operation: Operation) -> bool:
    """Record an operation that spans several transactions. Until `end`, it needs signs of life.

    Return False if it was begun before.
    """
    values = structs.asdict(operation) | {"alive_until": operation.alive_until or operation.at + ALIVE}
    return transaction.execute(_ADD(transaction), values).first() is not None


def end(transaction: Transaction, operation_id: str, now: dt.datetime) -> None:
    transaction.execute(sa.update(operations).where(operations.c.id == operation_id).values(ended=now))


def sign(transaction: Transaction, operation_id: str, now: dt.datetime) -> None:
    """Record that an operation is still being carried out."""
    transaction.execute(sa.update(operations).where(operations.c.id == operation_id).values(alive_until=now + ALIVE))


def interrupt(transaction: Transaction, operation_id: str, now: dt.datetime) -> None:
    """Record that an operation will not come to its end."""
    transaction.execute(sa.update(operations).where(operations.c.id == operation_id).values(alive_until=now))


def interrupt_all(transaction: Transaction) -> None:
    """Record that no operation which has not ended will, as after a restore."""
    transaction.execute(sa.update(operations).where(operations.c.ended.is_(None)).values(alive_until=operations.c.at))


def record(transaction: Transaction, operation: Operation, parts: Sequence[Part]) -> None:
    """Add parts to an operation. An operation without a `begin` begins and ends here."""
    is_new = begin(transaction, structs.replace(operation, ended=operation.ended or operation.at))
    last = 0 if is_new else transaction.scalar(_LAST_PART, {"of_operation": operation.id}) or 0
    new = [
        {"operation": operation.id, "number": number} | structs.asdict(part)
        for number, part in enumerate(parts, start=last + 1)
    ]
    if new:
        transaction.execute(_ADD_PARTS, new)


def find(transaction: Transaction, operation_id: str) -> Operation | None:
    columns = [operations.c[name] for name in Operation.__struct_fields__]
    row = transaction.execute(sa.select(*columns).where(operations.c.id == operation_id)).one_or_none()
    return None if row is None else Operation(*row)


def beginning(transaction: Transaction, prefix: str, *, limit: int) -> list[str]:
    """Return the ids of operations that begin so."""
    begins = operations.c.id.startswith(prefix, autoescape=True)
    return list(transaction.scalars(sa.select(operations.c.id).where(begins).order_by(operations.c.id).limit(limit)))


def newest(transaction: Transaction, *, limit: int) -> list[Operation]:
    """Return the newest operations, the newest first."""
    columns = [operations.c[name] for name in Operation.__struct_fields__]
    query = sa.select(*columns).order_by(operations.c.at.desc(), operations.c.id).limit(limit)
    return [Operation(*row) for row in transaction.execute(query)]


def parts_of(
    transaction: Transaction, operation_id: str, *, outcome: str | None = None, limit: int | None = None
) -> list[Part]:
    """Return the parts of an operation in order: all of them, or the first with this outcome."""
    columns = [operation_parts.c[name] for name in Part.__struct_fields__]
    query = sa.select(*columns).where(operation_parts.c.operation == operation_id).order_by(operation_parts.c.number)
    if outcome is not None:
        query = query.where(operation_parts.c.outcome == outcome)
    return [Part(*row) for row in transaction.execute(query.limit(limit))]


def parts_of_each(transaction: Transaction, operation_ids: Collection[str]) -> dict[str, list[Part]]:
    """Return all parts of each of the operations, in order; those without parts are left out."""
    columns = [operation_parts.c[name] for name in Part.__struct_fields__]
    query = sa.select(operation_parts.c.operation, *columns).where(operation_parts.c.operation.in_(operation_ids))
    found: dict[str, list[Part]] = {}
    for operation, *row in transaction.execute(query.order_by(operation_parts.c.operation, operation_parts.c.number)):
        found.setdefault(operation, []).append(Part(*row))
    return found


def outcomes(transaction: Transaction, operation_id: str) -> dict[PartOutcome, int]:
    """Count the parts of an operation by their outcome."""
    key = operation_parts.c.outcome
    query = sa.select(key, sa.func.count()).where(operation_parts.c.operation == operation_id).group_by(key)
    return dict(transaction.execute(query).all())


def counts(transaction: Transaction, operation_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return how many parts each of the operations has, and how many of them were done."""
    done = sa.case((operation_parts.c.outcome.in_(NOT_DONE), 0), else_=1)
    query = (
        sa.select(operation_parts.c.operation, sa.func.count(), sa.func.sum(done))
        .where(operation_parts.c.operation.in_(operation_ids))
        .group_by(operation_parts.c.operation)
    )
    return {operation: (parts, int(changed)) for operation, parts, changed in transaction.execute(query)}


def still_owed(transaction: Transaction, replays: Collection[str]) -> dict[str, Owed]:
    """Count what these replays have made due that has not arrived; one of which everything has is left out."""
    if not replays:
        return {}
    sent = sa.and_(operation_parts.c.operation.in_(replays), operation_parts.c.outcome == "replayed")
    same = (deliveries.c.article == operation_parts.c.article, deliveries.c.channel == operation_parts.c.channel)
    given_up = sa.func.sum(sa.case((deliveries.c.state == "abandoned", 1), else_=0))
    query = (
        sa.select(operation_parts.c.operation, sa.func.count(), given_up)
        .select_from(operation_parts.join(deliveries, sa.and_(*same)))
        .where(sent, IS_UNFINISHED)
        .group_by(operation_parts.c.operation)
    )
    return {id: Owed(count - abandoned, abandoned) for id, count, abandoned in transaction.execute(query)}


def changed_since(transaction: Transaction, article_id: str, number: int) -> bool:
    """Return whether an event changed the article after a revision. Changes of its evidence do not count."""
    later = sa.select(revisions.c.number).where(
        revisions.c.article == article_id, revisions.c.number > number, revisions.c.event_id.is_not(None)
    )
    return transaction.execute(later.limit(1)).first() is not None


def forget(transaction: Transaction, *, before: dt.datetime, limit: int) -> int:
    """Delete operations that ended before this, with their parts; return how many. They cannot be undone any more."""
    old = sa.select(operations.c.id).where(operations.c.at < before, operations.c.ended.is_not(None))
    ids = list(transaction.scalars(old.order_by(operations.c.at).limit(limit)))
    transaction.execute(sa.delete(operation_parts).where(operation_parts.c.operation.in_(ids)))
    transaction.execute(sa.delete(operations).where(operations.c.id.in_(ids)))
    return len(ids)
