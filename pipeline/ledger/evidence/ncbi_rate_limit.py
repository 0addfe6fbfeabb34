"""NCBI's rate limit, enforced for the whole site by permits in the ledger.

There are as many permits as NCBI allows requests a second. Each request takes one, which may be used again a second
after NCBI has certainly counted the request. So no second holds more requests than the limit, whatever the number of
processes and however late a packet arrives. The rows are leases: `pubmed-1`, `pubmed-2` … are the permits; `pubmed`,
`idconv`, `esearch` and `ecitmatch` hold what is known of the services (failures in a row, the earliest next request,
requests a second).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, get_args

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import leases

Service = Literal["pubmed", "idconv", "esearch", "ecitmatch"]

MOST = 10  # requests per second, even if a header allows more: NCBI's limit with a key
_HOLD = 1.02  # seconds that a permit rests after NCBI has counted its request
_APART = 0.5  # requests are spread over the second: the minimum spacing, as a fraction of each one's equal share
_SITE: Service = "pubmed"  # the row that applies to all of them
_PERMITS = tuple(f"pubmed-{number}" for number in range(1, MOST + 1))


class _Row(Struct, frozen=True):
    name: str
    leased_until: dt.datetime | None = None
    not_before: dt.datetime | None = None
    failures: int = 0
    allowed: int | None = None


class Permit(Struct, frozen=True):
    """A permit for a request at `at` or later, and `spacing` seconds before the one after it."""

    name: str
    at: dt.datetime
    spacing: float


def next_permit(
    transaction: Transaction, service: Service, *, now: dt.datetime, rate: int, parallel: int
) -> Permit | None:
    """Return the next permit; None while `parallel` requests are running, or one to a service that fails.

    `rate` is the number of requests a second until NCBI has stated its limit.
    """
    rows = _rows(transaction, service)
    allowed = rows[_SITE].allowed or rate
    under_way = [name for name in _PERMITS if claims.ends_within_a_lease(rows[name].leased_until, now)]
    if len(under_way) >= (1 if rows[service].failures else parallel):
        return None
    free = [(_rested(rows[name], now), name) for name in _PERMITS[:allowed] if name not in under_way]
    if not free:
        return None
    rested, name = min(free)
    waits = (rows[service].not_before, rows[_SITE].not_before)
    return Permit(name, max([rested, *(at for at in waits if at)]), _APART / allowed)


def _rested(permit: _Row, now: dt.datetime) -> dt.datetime:
    """Return when the permit may be used again. A time too far ahead dates from before the clock was set back."""
    if permit.not_before is None or permit.not_before > now + dt.timedelta(seconds=2 * _HOLD):
        return now
    return max(permit.not_before, now)


def take(transaction: Transaction, permit: Permit, *, token: str, now: dt.datetime, seconds: float) -> None:
    """Hold the permit under `token` for at most `seconds`. Call after `next_permit`, in the same transaction."""
    spaced = now + dt.timedelta(seconds=permit.spacing)
    _set(transaction, _SITE, not_before=spaced)
    until, rested = now + dt.timedelta(seconds=seconds), now + dt.timedelta(seconds=_HOLD)
    _set(transaction, permit.name, lease=token, leased_until=until, not_before=rested)


def failing_since(transaction: Transaction, service: Service) -> dt.datetime | None:
    """Return when the service first failed, if it has not answered since."""
    return transaction.scalar(sa.select(leases.c.failing).where(leases.c.name == service))


def lock(transaction: Transaction) -> None:
    """Prevent other transactions from taking a permit until this one ends. SQLite has one writer at a time anyway."""
    locked = sa.select(leases.c.name).where(leases.c.name == _SITE).with_for_update()
    if transaction.scalar(locked) is None:
        rows = [{"name": name, "failures": 0} for name in (*get_args(Service), *_PERMITS)]
        transaction.execute(insert(transaction, leases).on_conflict_do_nothing(), rows)
        transaction.scalar(locked)


def answered(
    transaction: Transaction, service: Service, *, token: str, counted: dt.datetime, rate: int, limit: int | None
) -> None:
    """Record an answer to a request that NCBI had counted by `counted`, with the `limit` that it stated, if any.

    After a refusal the number of requests allowed grows by one with each answer.
    """
    allowed = transaction.scalar(sa.select(leases.c.allowed).where(leases.c.name == _SITE)) or rate
    most = max(1, min(limit or max(rate, allowed), MOST))
    _set(transaction, service, failures=0, error=None, failing=None)
    _set(transaction, _SITE, allowed=min(most, allowed + 1))
    _give_back(transaction, token, counted)


def failed(
    transaction: Transaction,
    service: Service,
    *,
    token: str,
    now: dt.datetime,
    not_before: dt.datetime,
    error: str,
    refused_rate: int | None = None,
) -> None:
    """Record that the service did not answer, with the code of the `error`.

    If the permit was lost, others have asked since, and nothing is recorded. `refused_rate` is the assumed rate, if
    NCBI called it too high.
    """
    held = sa.select(leases.c.name).where(leases.c.name.in_(_PERMITS), leases.c.lease == token)
    if transaction.execute(held).first() is None:
        return
    since = sa.func.coalesce(leases.c.failing, sa.literal(now, leases.c.failing.type))
    _set(transaction, service, failures=leases.c.failures + 1, not_before=not_before, error=error, failing=since)
    if refused_rate is not None:
        allowed = transaction.scalar(sa.select(leases.c.allowed).where(leases.c.name == _SITE)) or refused_rate
        _set(transaction, _SITE, allowed=max(1, allowed // 2))
    _give_back(transaction, token, now)


def _give_back(transaction: Transaction, token: str, counted: dt.datetime) -> None:
    transaction.execute(
        sa.update(leases)
        .where(leases.c.name.in_(_PERMITS), leases.c.lease == token)
        .values(lease=None, leased_until=None, not_before=counted + dt.timedelta(seconds=_HOLD))
    )


def _rows(transaction: Transaction, service: Service) -> dict[str, _Row]:
    names = {service, _SITE, *_PERMITS}
    columns = [leases.c[field] for field in _Row.__struct_fields__]
    found = {row.name: _Row(*row) for row in transaction.execute(sa.select(*columns).where(leases.c.name.in_(names)))}
    return {name: found.get(name) or _Row(name) for name in names}


def _set(transaction: Transaction, name: str, **values: Any) -> None:
    transaction.execute(sa.update(leases).where(leases.c.name == name).values(**values))
