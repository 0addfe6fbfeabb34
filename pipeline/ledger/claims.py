"""Claim due rows, a few at a time, under a lease that expires."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.database import Instant, Transaction

_NOTHING: Mapping[str, Any] = MappingProxyType({})
LONGEST_LEASE = dt.timedelta(minutes=10)  # no stage takes a longer one


def is_free(table: sa.Table, now: dt.datetime) -> sa.ColumnElement[bool]:
    """Match rows that no worker holds: those without a lease, or with one that has expired.

    One that ends later than any lease can was written under a wrong clock, and counts as expired too.
    """
    until = table.c.leased_until
    return sa.or_(until.is_(None), until <= now, until > now + LONGEST_LEASE)


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
    """Return whether a row of the table is due and free."""
    found = sa.select(sa.literal(1)).select_from(table).where(is_due(table, now), *where).limit(1)
    return transaction.execute(found).first() is not None


def oldest_due(
    transaction: Transaction, table: sa.Table, key: sa.Column[Any] | None = None, values: Iterable[object] = ()
) -> dt.datetime | None:
    """Return the earliest `due` of the table, or of rows whose `key` is in `values`. Each is read from an index."""
    least = sa.select(sa.func.min(table.c.due, type_=Instant()))
    queries = [least] if key is None else [least.where(key == value) for value in values]
    found = [transaction.scalar(query) for query in queries]
    return min((due for due in found if due is not None), default=None)


def count_due(transaction: Transaction, table: sa.Table, now: dt.datetime, *where: sa.ColumnElement[bool]) -> int:
    """Count the rows that are due, those included that a worker holds."""
    counted = sa.select(sa.func.count()).select_from(table).where(table.c.due <= now, *where)
    return transaction.execute(counted).scalar_one()


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
