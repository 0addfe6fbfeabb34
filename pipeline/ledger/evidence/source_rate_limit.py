"""One request at a time to each source beside PubMed, at the pace that it asks for, by all processes of the site.

Each source has a row among the leases, `source-crossref`: its lease is held during a request, and `not_before` is the
earliest time of the next one.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger import claims, leases
from pipeline.ledger.database import Transaction
from pipeline.ledger.evidence.ncbi_rate_limit import Permit
from pipeline.ledger.tables import leases as rows

_MOST_AHEAD = dt.timedelta(days=2)  # a longer pause dates from before the clock was set back


def row_of(source: str) -> str:
    return f"source-{source}"


def next_permit(transaction: Transaction, source: str, *, now: dt.datetime) -> Permit | None:
    """Return the permit for the next request; None while one is running."""
    query = sa.select(rows.c.leased_until, rows.c.not_before).where(rows.c.name == row_of(source))
    row = transaction.execute(query).one_or_none()
    if row is None:
        return Permit(row_of(source), now, 0.0)
    if claims.ends_within_a_lease(row.leased_until, now):
        return None
    at = row.not_before if row.not_before and row.not_before < now + _MOST_AHEAD else now
    return Permit(row_of(source), max(at, now), 0.0)


def take(transaction: Transaction, permit: Permit, *, token: str, now: dt.datetime, seconds: float) -> bool:
    """Hold the permit under `token` for at most `seconds`. Return False if another process took it."""
    return leases.acquire(transaction, permit.name, token=token, now=now, seconds=seconds)


def answered(transaction: Transaction, source: str, *, token: str, not_before: dt.datetime) -> None:
    leases.release(transaction, row_of(source), token=token, not_before=not_before, failed=False)


def failed(transaction: Transaction, source: str, *, token: str, not_before: dt.datetime, error: str) -> None:
    leases.release(transaction, row_of(source), token=token, not_before=not_before, failed=True, error=error)
