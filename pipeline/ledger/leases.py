"""Named leases, for work that only one process of the whole site may do at a time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from pipeline.ledger import claims
from pipeline.ledger.claims import DueRows
from pipeline.ledger.claims import is_free as is_unleased
from pipeline.ledger.database import Transaction
from pipeline.ledger.kept import add_missing
from pipeline.ledger.tables import leases, metadata

LONGEST_REST = dt.timedelta(days=1, minutes=1)  # between two runs of the same work
_SLACK = dt.timedelta(minutes=1)  # by which two processes may differ about the time, and about the lease's length


def acquire(transaction: Transaction, name: str, *, token: str, now: dt.datetime, seconds: float) -> bool:
    """Take the lease `name` for `seconds`; return False if another process holds it or it is too early.

    A lease that ends much later than one taken now, and a rest longer than any, were written under a wrong clock: they
    are over.
    """
    until = now + dt.timedelta(seconds=seconds)
    transaction.execute(_INTRODUCE(transaction), {"name": name, "failures": 0})
    taken = {"token": token, "until": until, "too_late": until + _SLACK}
    return transaction.execute(_TAKE, {**taken, **_asked(name, now)}).rowcount == 1


def is_free(transaction: Transaction, name: str, *, now: dt.datetime) -> bool:
    """Return whether `acquire` would succeed. The sweep asks this several times a second."""
    return transaction.execute(_HELD, _asked(name, now)).first() is None


def due_rows(name: str, now: dt.datetime) -> DueRows:
    """Return one row if `acquire` would succeed, and none otherwise."""
    free = sa.and_(is_unleased(leases, now), _has_rested(now))
    return DueRows((sa.select(1 - sa.func.count()).select_from(leases).where(leases.c.name == name, sa.not_(free)),))


def _has_rested(now: dt.datetime) -> sa.ColumnElement[bool]:
    return _rested(now, now + LONGEST_REST)


def _rested(now: Any, longest: Any) -> sa.ColumnElement[bool]:
    begins = leases.c.not_before
    return sa.or_(begins.is_(None), begins <= now, begins > longest)


_OF_NAME = leases.c.name == sa.bindparam("of")
_IS_FREE = claims.is_free_then(leases)
_HAS_RESTED = _rested(claims.NOW, sa.bindparam("longest_rest", type_=leases.c.not_before.type))
_HELD = sa.select(leases.c.name).where(_OF_NAME, sa.not_(sa.and_(_IS_FREE, _HAS_RESTED)))
_TAKE = (
    sa.update(leases)
    .where(_OF_NAME, sa.or_(_IS_FREE, leases.c.leased_until > sa.bindparam("too_late")), _HAS_RESTED)
    .values(lease=sa.bindparam("token"), leased_until=sa.bindparam("until"))
)
_INTRODUCE = add_missing(leases)


def _asked(name: str, now: dt.datetime) -> dict[str, Any]:
    return {"of": name, "longest_rest": now + LONGEST_REST, **claims.at(now)}


def until(transaction: Transaction, name: str) -> dt.datetime | None:
    """Return when the lease ends or has ended; None if it was never taken, or was released."""
    return transaction.scalar(sa.select(leases.c.leased_until).where(leases.c.name == name))


def release(
    transaction: Transaction,
    name: str,
    *,
    token: str,
    not_before: dt.datetime | None = None,
    failed: bool | None = None,
    error: str | None = None,
) -> bool:
    """Release the lease; it cannot be taken again before `not_before`. Return False if it was lost.

    `failed` increments the number of consecutive failures or, if False, resets it; None leaves it as it is. `error` is
    the code of the failure.
    """
    count = {True: leases.c.failures + 1, False: 0, None: leases.c.failures}[failed]
    released = transaction.execute(
        sa.update(leases)
        .where(leases.c.name == name, leases.c.lease == token)
        .values(
            lease=None,
            leased_until=None,
            not_before=not_before,
            failures=count,
            **({} if failed is None else {"error": error}),
        )
    )
    return released.rowcount == 1


def release_all(transaction: Transaction, *, owner: str) -> None:
    """Release the leases of a dead process in every table: those whose tokens start with `owner`."""
    for table in metadata.tables.values():
        if "leased_until" in table.c:
            owned = sa.and_(table.c.leased_until.is_not(None), table.c.lease.startswith(owner, autoescape=True))
            transaction.execute(sa.update(table).where(owned).values(lease=None, leased_until=None))


def failures(transaction: Transaction, name: str) -> int:
    """Return how many times in a row the work under this lease has failed."""
    return transaction.scalar(sa.select(leases.c.failures).where(leases.c.name == name)) or 0
