"""Every try at a delivery, and what came of it."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.tables import attempts


def add(
    transaction: Transaction,
    sent: Delivery,
    *,
    at: dt.datetime,
    outcome: str,
    status: int | None,
    milliseconds: int,
    detail: str,
) -> None:
    transaction.execute(
        sa.insert(attempts).values(
            delivery=sent.id,
            revision=sent.wanted,
            at=at,
            outcome=outcome,
            status=status,
            milliseconds=milliseconds,
            detail=detail,
        )
    )


def forget(transaction: Transaction, *, before: dt.datetime) -> int:
    """Remove those that are older. How many."""
    return transaction.execute(sa.delete(attempts).where(attempts.c.at < before)).rowcount
