"""Named leases, for work that only one process of the whole site may do at a time."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import leases, metadata


def acquire(transaction: Transaction, name: str, *, token: str, now: dt.datetime, seconds: float) -> bool:
    """Take the lease `name` for `seconds`; return False if another process holds it or it is too early."""
    transaction.execute(insert(transaction, leases).values(name=name, failures=0).on_conflict_do_nothing())
    taken = transaction.execute(
        sa.update(leases)
        .where(
            leases.c.name == name,
            sa.or_(leases.c.leased_until.is_(None), leases.c.leased_until <= now),
            sa.or_(leases.c.not_before.is_(None), leases.c.not_before <= now),
        )
        .values(lease=token, leased_until=now + dt.timedelta(seconds=seconds))
    )
    return taken.rowcount == 1


def is_free(transaction: Transaction, name: str, *, now: dt.datetime) -> bool:
    """Return whether `acquire` would succeed."""
    held = sa.or_(leases.c.leased_until > now, leases.c.not_before > now)
    return transaction.execute(sa.select(leases.c.name).where(leases.c.name == name, held)).first() is None


def release(
    transaction: Transaction,
    name: str,
    *,
    token: str,
    not_before: dt.datetime | None = None,
    failed: bool | None = None,
) -> None:
    """Release the lease; it cannot be taken again before `not_before`.

    `failed` increments the number of consecutive failures or, if False, resets it; None leaves it as it is.
    """
    count = {True: leases.c.failures + 1, False: 0, None: leases.c.failures}[failed]
    transaction.execute(
        sa.update(leases)
        .where(leases.c.name == name, leases.c.lease == token)
        .values(
            lease=None,
            leased_until=None,
            not_before=not_before,
            failures=count,
        )
    )


def release_all(transaction: Transaction, *, owner: str) -> None:
    """Release the leases of a dead process in every table: those whose tokens start with `owner`."""
    for table in metadata.tables.values():
        if "leased_until" in table.c:
            held = sa.and_(table.c.leased_until.is_not(None), table.c.lease.startswith(owner, autoescape=True))
            transaction.execute(sa.update(table).where(held).values(lease=None, leased_until=None))


def failures(transaction: Transaction, name: str) -> int:
    """Return how many times in a row the work under this lease has failed."""
    return transaction.scalar(sa.select(leases.c.failures).where(leases.c.name == name)) or 0
