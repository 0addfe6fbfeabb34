"""What happens, in the order in which it is seen: attempts at deliveries, and operations.

A row may become visible after one with a higher number, because its transaction took longer. So each look goes back a
little, and leaves out what it has seen.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import attempts, deliveries, operations

_BACK = 500  # rows
_AGO = dt.timedelta(minutes=1)
_NEVER = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MOST = 5_000  # rows of a look; the next one has the rest


class Happened(Struct, frozen=True, kw_only=True):
    at: dt.datetime
    id: str  # of the delivery, or of the operation
    what: str  # the outcome of an attempt, or the kind of an operation
    detail: str
    channel: str | None = None
    article: str | None = None
    revision: int | None = None
    status: int | None = None
    milliseconds: int | None = None


class Position(Struct, frozen=True):
    """Up to where it was looked: the newest attempt, the time of the newest operation, and what was seen of late."""

    attempt: int
    operation: dt.datetime
    seen: frozenset[str | int]


def position(transaction: Transaction, *, back: int) -> Position:
    """Return the position from which a look finds the last `back` attempts (at most 500), and what was done since."""
    newest = sa.select(attempts.c.id, attempts.c.at).order_by(attempts.c.id.desc()).limit(_BACK)
    tried = transaction.execute(newest).all()
    last = transaction.scalar(sa.select(operations.c.at).order_by(operations.c.at.desc()).limit(1)) or _NEVER
    begin = tried[:back][-1].at if tried[:back] else last
    earlier = (operations.c.at > last - _AGO, operations.c.at <= begin if back == 0 else operations.c.at < begin)
    seen = [*(row.id for row in tried[back:]), *transaction.scalars(sa.select(operations.c.id).where(*earlier))]
    return Position(tried[0].id if tried else 0, last, frozenset(seen))


def since(transaction: Transaction, before: Position) -> tuple[list[Happened], Position]:
    """Return what was not seen before, the oldest first, and the position for the next look."""
    tried = (
        sa.select(attempts, deliveries.c.channel, deliveries.c.article)
        .join(deliveries, deliveries.c.id == attempts.c.delivery)
        .where(attempts.c.id > before.attempt - _BACK)
        .order_by(attempts.c.id)
        .limit(_MOST)
    )
    done = (
        sa.select(operations.c.id, operations.c.kind, operations.c.by, operations.c.at)
        .where(operations.c.at > before.operation - _AGO)
        .order_by(operations.c.at)
        .limit(_MOST)
    )
    attempted, operated = transaction.execute(tried).all(), transaction.execute(done).all()
    found = [_attempt(row) for row in attempted if row.id not in before.seen]
    found += [
        Happened(at=row.at, id=row.id, what=row.kind, detail=row.by) for row in operated if row.id not in before.seen
    ]
    seen = frozenset([*(row.id for row in attempted), *(row.id for row in operated)])
    return sorted(found, key=lambda one: one.at), Position(
        max((row.id for row in attempted), default=before.attempt),
        max((row.at for row in operated), default=before.operation),
        seen,
    )


def _attempt(row: sa.Row[tuple[object, ...]]) -> Happened:
    return Happened(
        at=row.at,
        id=row.delivery,
        what=row.outcome,
        detail=row.detail,
        channel=row.channel,
        article=row.article,
        revision=row.revision,
        status=row.status,
        milliseconds=row.milliseconds,
    )
