"""What commands, events and people did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, get_args

from msgspec import structs

from pipeline.ledger import Transaction
from pipeline.ledger import operations as ledger_operations
from pipeline.ledger.operations import NOT_DONE, Kind, OperationState, Owed, Part, PartOutcome
from pipeline.ledger.operations import Operation as Recorded
from pipeline.views.fields import ArticleId, ChannelId, Count, Field, RevisionNumber, Time

OperationId = Annotated[str, Field(examples=["op_5f2d8c1e9a7b"])]


@dataclass(frozen=True, slots=True)
class OperationPart:
    """What an operation did to one article, file, delivery, channel or token, or why it did nothing."""

    article: Annotated[ArticleId | None, Field(description="Null for a refused file in which no id could be read.")]
    before: Annotated[int | None, Field(description="The newest revision before; null where there was no article.")]
    revision: Annotated[RevisionNumber | None, Field(description="The newest revision after; null if there is none.")]
    outcome: Annotated[
        str,
        Field(description="One of " + ", ".join(get_args(PartOutcome)) + "."),
    ]
    file: Annotated[str | None, Field(description="The article file, if it came from one.")]
    channel: Annotated[ChannelId | None, Field(description="The channel of a replay, or of a hold that was released.")]
    reason: Annotated[str | None, Field(description="Why it was withdrawn, held, refused or not done.")]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a command, an event or a person did, with what became of each of its parts."""

    operation: OperationId
    kind: Annotated[
        str,
        Field(description="One of " + ", ".join(get_args(Kind)) + ".", examples=["publish"]),
    ]
    by: Annotated[str, Field(description="The command, or the name of the token.", examples=["cms"])]
    at: Time
    undoes: OperationId | None
    changed: Annotated[Count, Field(description="How many parts were done; the others say why not.")]
    planned: Annotated[Count | None, Field(description="How many files or parts it set out to do, if that was known.")]
    state: Annotated[
        OperationState,
        Field(description="`interrupted`: it was stopped midway. The same command again does the rest."),
    ]
    ended: Annotated[Time | None, Field(description="Null while it is being carried out, and if it was interrupted.")]
    to_arrive: Annotated[Count | None, Field(description="Of a replay: its deliveries that have not arrived yet.")]
    given_up: Annotated[Count | None, Field(description="Of a replay: its deliveries that were given up again.")]
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


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """An operation without its parts."""

    operation: str
    kind: str
    by: str
    at: dt.datetime
    undoes: str | None
    parts: int
    changed: int
    planned: int | None
    state: OperationState


@dataclass(frozen=True, slots=True)
class OperationReport:
    """An operation with the count of each outcome, and its first parts. `owed`: of a replay."""

    summary: OperationSummary
    outcomes: dict[PartOutcome, int]
    parts: tuple[OperationPart, ...]
    owed: Owed | None


def report(
    transaction: Transaction, operation_id: str, *, outcome: str | None, limit: int, now: dt.datetime
) -> OperationReport | None:
    """Return an operation with its first parts, those of one outcome if it is given."""
    found = ledger_operations.find(transaction, operation_id)
    if found is None:
        return None
    outcomes = ledger_operations.outcomes(transaction, operation_id)
    done = sum(count for each, count in outcomes.items() if each not in NOT_DONE)
    parts = ledger_operations.parts_of(transaction, operation_id, outcome=outcome, limit=limit)
    return OperationReport(
        _summary(found, sum(outcomes.values()), done, now),
        dict(sorted(outcomes.items())),
        tuple(OperationPart(**structs.asdict(part)) for part in parts),
        _owed(transaction, [found]).get(operation_id),
    )


def summaries(transaction: Transaction, *, limit: int, now: dt.datetime) -> tuple[OperationSummary, ...]:
    """Return the newest operations, the newest first, with counts of their parts."""
    found = ledger_operations.newest(transaction, limit=limit)
    counts = ledger_operations.counts(transaction, [one.id for one in found])
    return tuple(_summary(one, *counts.get(one.id, (0, 0)), now) for one in found)


def _summary(one: Recorded, parts: int, changed: int, now: dt.datetime) -> OperationSummary:
    return OperationSummary(
        operation=one.id,
        kind=one.kind,
        by=one.by,
        at=one.at,
        undoes=one.undoes,
        parts=parts,
        changed=changed,
        planned=one.planned,
        state=one.state(now),
    )


def operation(transaction: Transaction, operation_id: str, *, now: dt.datetime) -> Operation | None:
    found = ledger_operations.find(transaction, operation_id)
    if found is None:
        return None
    return _operation(found, ledger_operations.parts_of(transaction, operation_id), _owed(transaction, [found]), now)


def operations(transaction: Transaction, *, limit: int, now: dt.datetime) -> OperationList:
    found = ledger_operations.newest(transaction, limit=limit)
    owed = _owed(transaction, found)
    parts = ledger_operations.parts_of_each(transaction, [one.id for one in found])
    return OperationList(tuple(_operation(one, parts.get(one.id, ()), owed, now) for one in found))


def _owed(transaction: Transaction, found: Sequence[Recorded]) -> dict[str, Owed]:
    """Return for each replay among these what of it has not arrived."""
    replays = [one.id for one in found if one.kind == "replay"]
    return dict.fromkeys(replays, Owed()) | ledger_operations.still_owed(transaction, replays)


def _operation(one: Recorded, parts: Sequence[Part], owed: Mapping[str, Owed], now: dt.datetime) -> Operation:
    changed = sum(part.outcome not in NOT_DONE for part in parts)
    of_it = owed.get(one.id)
    return Operation(
        operation=one.id,
        kind=one.kind,
        by=one.by,
        at=one.at,
        undoes=one.undoes,
        changed=changed,
        planned=one.planned,
        state=one.state(now),
        ended=one.ended,
        to_arrive=of_it.to_arrive if of_it else None,
        given_up=of_it.given_up if of_it else None,
        parts=tuple(OperationPart(**structs.asdict(part)) for part in parts),
    )
