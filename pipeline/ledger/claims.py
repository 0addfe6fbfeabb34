"""Claim due rows, a few at a time, under a lease that expires."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Instant, Transaction

_NOTHING: Mapping[str, Any] = MappingProxyType({})
LONGEST_LEASE = dt.timedelta(minutes=10)  # no stage takes a longer one


def is_free(table: sa.Table, now: dt.datetime) -> sa.ColumnElement[bool]:
    """Match rows that no worker holds: those without a lease, or with one that has expired.

    One that ends later than any lease can was written under a wrong clock, and counts as expired too.
    """
    return _is_free(table, now, now + LONGEST_LEASE)


def _is_free(table: sa.Table, now: Any, longest: Any) -> sa.ColumnElement[bool]:
    until = table.c.leased_until
    return sa.or_(until.is_(None), until <= now, until > longest)


def is_leased(table: sa.Table, now: dt.datetime) -> sa.ColumnElement[bool]:
    """Match rows that a worker holds."""
    return table.c.leased_until.between(now + dt.timedelta(microseconds=1), now + LONGEST_LEASE)


def ends_within_a_lease(until: dt.datetime | None, now: dt.datetime) -> bool:
    """Return whether a lease that was read from a row still holds."""
    return until is not None and now < until <= now + LONGEST_LEASE


def is_due(table: sa.Table, now: dt.datetime) -> sa.ColumnElement[bool]:
    """Match rows that are due and that no worker holds."""
    return sa.and_(table.c.due <= now, is_free(table, now))


def any_due(transaction: Transaction, table: sa.Table, now: dt.datetime, *where: sa.ColumnElement[bool]) -> bool:
    """Return whether a row of the table is due and free.

    `where`: constants. The sweep asks this of each table every second, so a statement is built once and kept.
    """
    return transaction.execute(_any_due(table, *where), at(now)).first() is not None


@functools.cache
def _any_due(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.literal(1)).select_from(table).where(is_due_then(table), *where).limit(1)


# For statements that are kept: the time that they are asked about, and what `is_free` needs besides.
NOW = sa.bindparam("now", type_=Instant())
_LONGEST = sa.bindparam("longest", type_=Instant())


def is_free_then(table: sa.Table) -> sa.ColumnElement[bool]:
    """Match rows that no worker holds, as `is_free`, in a statement that is kept."""
    return _is_free(table, NOW, _LONGEST)


def is_due_then(table: sa.Table) -> sa.ColumnElement[bool]:
    """Match rows that are due and that no worker holds, as `is_due`, in a statement that is kept."""
    return sa.and_(table.c.due <= NOW, is_free_then(table))


def at(now: dt.datetime) -> dict[str, dt.datetime]:
    """Return what a statement that is kept is asked with."""
    return {"now": now, "longest": now + LONGEST_LEASE}


class Due(Struct, frozen=True):
    """How many rows are due, those included that a worker holds, and since or from when on the oldest is due."""

    count: int
    oldest: dt.datetime | None = None  # None: no row will become due


class DueRows(Struct, frozen=True):
    """What `read_due` adds up: queries that count rows, and queries for the earliest `due` of some."""

    counts: tuple[sa.Select[Any], ...]
    oldest: tuple[sa.Select[Any], ...] = ()


def due_rows(table: sa.Table, now: dt.datetime, *where: sa.ColumnElement[bool]) -> DueRows:
    """Return the rows of a table that are due. An index has to begin with `due`."""
    return DueRows((count_of(table, table.c.due <= now, *where),), (first_of(table),))


def count_of(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table).where(*where)


def first_of(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return a query for the earliest `due`, which an index that begins with the columns of `where` answers."""
    return sa.select(sa.func.min(table.c.due, type_=Instant())).where(*where)


def read_due(transaction: Transaction, rows: Mapping[str, DueRows]) -> dict[str, Due]:
    """Return what is due under each name. One statement, however many there are."""
    columns: list[sa.ColumnElement[Any]] = []
    for each in rows.values():
        columns.append(sum((one.scalar_subquery() for one in each.counts), start=sa.literal(0)))
        earliest = sa.union_all(*(each.oldest or (_NEVER,))).subquery()
        least = sa.func.min(earliest.columns[0], type_=Instant())
        columns.append(sa.select(least).select_from(earliest).scalar_subquery())
    if not columns:
        return {}
    found = iter(transaction.execute(sa.select(*columns)).one())
    return {name: Due(next(found), next(found)) for name in rows}


NOTHING_DUE = DueRows(())
_NEVER = sa.select(sa.cast(sa.null(), sa.BigInteger()))


def claim(
    transaction: Transaction,
    key: sa.Column[str],
    *,
    token: str,
    now: dt.datetime,
    seconds: float,
    limit: int,
    where: Sequence[sa.ColumnElement[bool]] = (),
    first: Sequence[sa.Column[Any]] = (),
    also: Mapping[str, Any] = _NOTHING,
) -> list[str]:
    """Lease up to `limit` due rows of the table of `key` for `seconds`; return their keys, longest due first.

    `first`: columns that count before the time. `also`: further columns that a claim sets.
    """
    table = key.table
    assert isinstance(table, sa.Table)
    found = (
        sa.select(key)
        .where(is_due(table, now), *where)
        .order_by(*first, table.c.due, key)
        .limit(limit)
        .with_for_update(skip_locked=True)  # PostgreSQL: two workers take different rows; SQLite: one at a time anyway
    )
    keys = list(transaction.scalars(found))
    if keys:
        until = now + dt.timedelta(seconds=seconds)
        transaction.execute(sa.update(table).where(key.in_(keys)).values(lease=token, leased_until=until, **also))
    return keys


def release(
    transaction: Transaction,
    key: sa.Column[str],
    keys: Sequence[str],
    *,
    token: str,
    also: Mapping[str, Any] = _NOTHING,
) -> None:
    """Release rows that were claimed but not worked on. `also`: further columns that it sets."""
    table = key.table
    assert isinstance(table, sa.Table)
    if keys:
        mine = sa.and_(key.in_(keys), table.c.lease == token)
        transaction.execute(sa.update(table).where(mine).values(lease=None, leased_until=None, **also))
