"""Streams that events are read from: how many of their entries were set aside because they cannot be accepted."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import streams


class Stream(Struct, frozen=True, kw_only=True):
    name: str
    group: str
    dead: int
    since: dt.datetime | None
    error: str | None


def keep(
    transaction: Transaction, name: str, group: str, *, dead: int, error: str | None = None, now: dt.datetime
) -> None:
    """Store how many entries are set aside. None are: their time and error are forgotten."""
    values = {"dead": dead, "since": now if dead else None, "error": error}
    row = insert(transaction, streams).values(name=name, group=group, **values)
    changed = {
        "dead": dead,
        "since": sa.func.coalesce(streams.c.since, now) if dead else None,
        "error": sa.func.coalesce(error, streams.c.error) if dead else None,
    }
    transaction.execute(row.on_conflict_do_update(index_elements=[streams.c.name, streams.c.group], set_=changed))


def with_dead_entries(transaction: Transaction) -> tuple[Stream, ...]:
    columns = [streams.c[name] for name in Stream.__struct_fields__]
    query = sa.select(*columns).where(streams.c.dead > 0).order_by(streams.c.name, streams.c.group)
    return tuple(Stream(**dict(zip(Stream.__struct_fields__, row, strict=True))) for row in transaction.execute(query))
