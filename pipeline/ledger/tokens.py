"""Who may call: only the hash of a token is kept, so that the ledger gives none away."""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import tokens


def add(transaction: Transaction, token: str, *, name: str, scope: str, now: dt.datetime) -> None:
    transaction.execute(sa.insert(tokens).values(hash=_hash(token), name=name, scope=scope, created=now))


def scope_of(transaction: Transaction, token: str) -> str | None:
    """What the token allows, or None where there is no such token or it was revoked.

    Looked up by its hash: the time that takes says nothing of how near a guess came.
    """
    return transaction.scalar(
        sa.select(tokens.c.scope).where(tokens.c.hash == _hash(token), tokens.c.revoked.is_(None))
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
