"""Proofs of withdrawal: a withdrawn article is looked for at its channel until it is gone, however long that takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import deliveries, proofs


class Proof(Struct, frozen=True, kw_only=True):
    """The search for a withdrawn article at a channel. `proved - withdrawn` is the time it took to disappear."""

    delivery: str
    article: str
    channel: str
    revision: int
    withdrawn: dt.datetime
    checked: dt.datetime | None
    proved: dt.datetime | None
    shown: str | None
    due: dt.datetime | None
    attempts: int
    error: str | None


def require(transaction: Transaction, taken: Sequence[Delivery], *, now: dt.datetime) -> None:
    """Require proof of these accepted withdrawals. A withdrawal that was sent again is proved again."""
    where = sa.select(deliveries.c.id, deliveries.c.channel).where(deliveries.c.id.in_([row.id for row in taken]))
    now_at = {row.id: row.channel for row in transaction.execute(where)} if taken else {}
    for row in taken:
        fresh: dict[str, Any] = {
            "article": row.article,
            "channel": now_at.get(row.id, row.channel),  # which may have changed while it was sent
            "revision": row.target_revision,
            "withdrawn": now,
            "checked": None,
            "proved": None,
            "shown": None,
            "due": now,
            "attempts": 0,
            "error": None,
            "lease": None,
            "leased_until": None,
        }
        upsert = insert(transaction, proofs).values(delivery=row.id, **fresh)
        transaction.execute(upsert.on_conflict_do_update(index_elements=[proofs.c.delivery], set_=fresh))


_DUE = Claims(proofs.c.delivery, one_of(proofs.c.channel, "at_channels"))


def claim_due(
    transaction: Transaction, channels: Sequence[str], *, token: str, now: dt.datetime, seconds: float, limit: int
) -> list[str]:
    """Lease proofs that are due at these channels, and return the ids of their deliveries."""
    asked = {"at_channels": list(channels)}
    return _DUE.claim(transaction, token=token, now=now, seconds=seconds, limit=limit, asked=asked)


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, proofs, now)


def due_rows(now: dt.datetime) -> DueRows:
    """Return the searches that are due."""
    return claims.due_rows(proofs, now)


def workers_busy(transaction: Transaction, *, now: dt.datetime) -> int:
    """Count the workers that are looking for withdrawn articles now."""
    return transaction.scalar(_BUSY, claims.at(now)) or 0


_BUSY = sa.select(sa.func.count(sa.distinct(proofs.c.lease))).where(
    proofs.c.lease.is_not(None), claims.is_leased_then(proofs), proofs.c.due.is_not(None)
)


def claimed(transaction: Transaction, delivery_id: str, *, token: str) -> tuple[Proof, Delivery] | None:
    """Return a claimed proof and its delivery, or None if the lease was lost."""
    columns = [proofs.c[field].label(f"proof_{field}") for field in Proof.__struct_fields__]
    query = (
        sa.select(*columns, *(deliveries.c[field] for field in Delivery.__struct_fields__))
        .join(deliveries, deliveries.c.id == proofs.c.delivery)
        .where(proofs.c.delivery == delivery_id, proofs.c.lease == token)
    )
    row = transaction.execute(query).one_or_none()
    if row is None:
        return None
    values = row._mapping
    proof = Proof(**{field: values[f"proof_{field}"] for field in Proof.__struct_fields__})
    return proof, Delivery(**{field: values[field] for field in Delivery.__struct_fields__})


def settle(
    transaction: Transaction,
    delivery_id: str,
    *,
    token: str,
    now: dt.datetime,
    again: dt.datetime | None,
    shown: str | None,
    error: str | None,
) -> None:
    """Record the result of a search. `again` is the time of the next one; None means that the article is gone."""
    values: dict[str, Any] = {"error": error, "due": again, "attempts": proofs.c.attempts + 1}
    if error is None:
        values |= {"checked": now, "shown": shown}
    if again is None:
        values |= {"proved": now}
    mine = sa.and_(proofs.c.delivery == delivery_id, proofs.c.lease == token)
    transaction.execute(sa.update(proofs).where(mine).values(lease=None, leased_until=None, **values))


def drop(transaction: Transaction, delivery_id: str, *, token: str) -> None:
    """Delete a proof that is no longer needed, because the channel has the article again."""
    transaction.execute(sa.delete(proofs).where(proofs.c.delivery == delivery_id, proofs.c.lease == token))


def release(transaction: Transaction, ids: Sequence[str], *, token: str) -> None:
    _DUE.release(transaction, ids, token=token)


def of_article(transaction: Transaction, article_id: str) -> list[Proof]:
    """Return the proofs for an article, in the order of their withdrawal."""
    return _many(transaction, proofs.c.article == article_id, limit=None)


def outstanding(transaction: Transaction, *, limit: int) -> list[Proof]:
    """Return the proofs that are still outstanding, oldest first."""
    return _many(transaction, proofs.c.due.is_not(None), limit=limit)


def _many(transaction: Transaction, *where: sa.ColumnElement[bool], limit: int | None) -> list[Proof]:
    columns = (proofs.c[field] for field in Proof.__struct_fields__)
    query = sa.select(*columns).where(*where).order_by(proofs.c.withdrawn, proofs.c.channel).limit(limit)
    return [Proof(**row._mapping) for row in transaction.execute(query)]
