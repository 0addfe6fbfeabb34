"""Requests to the hub that have not been verified with their subscriber yet."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import subscription_requests as requests

Mode = Literal["subscribe", "unsubscribe", "denied"]


class Request(Struct, frozen=True, kw_only=True):
    """A request. `id` is that of its subscription; `generation` distinguishes it from a request that replaced it.

    `turn` 0 is that of a request about a subscription that exists. Other requests have their place in the line of their
    `client`, so that however many one client sends, the first one of another comes before the rest of them.
    """

    id: str
    mode: Mode
    feed: str
    format: str
    topic: str
    callback: str
    host: str
    secret: str | None
    lease_seconds: int
    generation: str
    reason: str | None = None
    attempts: int = 0
    client: str | None = None
    turn: int = 0


def add(transaction: Transaction, request: Request, *, now: dt.datetime) -> None:
    """Store a request, replacing an unverified earlier one about the same subscription."""
    row = structs.asdict(request) | {"at": now, "due": now, "lease": None, "leased_until": None}
    upsert = insert(transaction, requests).values(**row)
    transaction.execute(upsert.on_conflict_do_update(index_elements=[requests.c.id], set_=row))


def count(transaction: Transaction, *, host: str | None = None, client: str | None = None) -> int:
    """Count the requests that are not verified yet: all, those for one host, or those of one client."""
    query = sa.select(sa.func.count()).select_from(requests)
    for column, value in ((requests.c.host, host), (requests.c.client, client)):
        if value is not None:
            query = query.where(column == value)
    return transaction.scalar(query) or 0


_FIRST = (requests.c.turn,)
_DUE = Claims(requests.c.id, first=_FIRST)


def claim_due(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> list[Request]:
    ids = _DUE.claim(transaction, token=token, now=now, seconds=seconds, limit=limit)
    query = sa.select(*_REQUEST).where(requests.c.id.in_(ids)).order_by(*_FIRST, requests.c.at, requests.c.id)
    return [Request(**row._mapping) for row in transaction.execute(query)]


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, requests, now)


def due_rows(now: dt.datetime) -> DueRows:
    return claims.due_rows(requests, now)


def done(transaction: Transaction, request: Request, *, token: str) -> bool:
    """Delete a settled request. Return False if another replaced it or the lease was lost."""
    mine = (requests.c.id == request.id, requests.c.generation == request.generation, requests.c.lease == token)
    return transaction.execute(sa.delete(requests).where(*mine)).rowcount == 1


def put_off(transaction: Transaction, request: Request, *, token: str, due: dt.datetime) -> None:
    mine = (requests.c.id == request.id, requests.c.generation == request.generation, requests.c.lease == token)
    values = {"due": due, "attempts": request.attempts + 1, "lease": None, "leased_until": None}
    transaction.execute(sa.update(requests).where(*mine).values(**values))


def release(transaction: Transaction, ids: list[str], *, token: str) -> None:
    """Release requests that were claimed but not processed."""
    _DUE.release(transaction, ids, token=token)


_REQUEST = tuple(requests.c[field] for field in Request.__struct_fields__)
