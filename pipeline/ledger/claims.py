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
from pipeline.ledger.kept import one_of

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


def ends_within_a_lease(until: dt.datetime | None, now: dt.datetime) -> bool:
    """Return whether a lease that was read from a row still holds."""
    return until is not None and now < until <= now + LONGEST_LEASE


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


def is_leased_then(table: sa.Table) -> sa.ColumnElement[bool]:
    """Match rows that a worker holds, in a statement that is kept."""
    return sa.and_(table.c.leased_until > NOW, table.c.leased_until <= _LONGEST)


def is_due_then(table: sa.Table) -> sa.ColumnElement[bool]:
    """Match rows that are due and that no worker holds, in a statement that is kept."""
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


class Claims:
    """How the due rows of a table are claimed and released, by statements that are built once.

    `where`: what such rows match besides, with names for values. `first`: columns that count before the time. `also`:
    further columns that a claim sets, and `back`: that a release sets.
    """

    def __init__(
        self,
        key: sa.Column[str],
        *where: sa.ColumnElement[bool],
        first: Sequence[sa.Column[Any]] = (),
        also: Mapping[str, Any] = _NOTHING,
        back: Mapping[str, Any] = _NOTHING,
    ) -> None:
        table = key.table
        assert isinstance(table, sa.Table)
        self._due = (
            sa.select(key)
            .where(is_due_then(table), *where)
            .order_by(*first, table.c.due, key)
            .limit(sa.bindparam("most", type_=sa.Integer()))
            .with_for_update(skip_locked=True)  # two workers take different rows; on SQLite one writes at a time
        )
        these = sa.update(table).where(one_of(key, "these"))
        self._lease = these.values(lease=sa.bindparam("token"), leased_until=sa.bindparam("until"), **also)
        mine = these.where(table.c.lease == sa.bindparam("token"))
        self._release = mine.values(lease=None, leased_until=None, **back)

    def claim(
        self,
        transaction: Transaction,
        *,
        token: str,
        now: dt.datetime,
        seconds: float,
        limit: int,
        asked: Mapping[str, Any] = _NOTHING,
    ) -> list[str]:
        """Lease up to `limit` due rows for `seconds`; return their keys, longest due first.

        `asked`: the values of the names in `where`.
        """
        keys = list(transaction.scalars(self._due, {**at(now), "most": limit, **asked}))
        if keys:
            until = now + dt.timedelta(seconds=seconds)
            transaction.execute(self._lease, {"these": keys, "token": token, "until": until})
        return keys

    def release(self, transaction: Transaction, keys: Sequence[str], *, token: str) -> None:
        """Release rows that were claimed but not worked on."""
        if keys:
            transaction.execute(self._release, {"these": list(keys), "token": token})
