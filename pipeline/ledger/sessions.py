"""Sessions: people who are signed in to the console with a token. Only the hashes of their cookies are stored.

A session ends when it was not used for an hour, after twelve hours in any case, and with its token.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import tokens
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import sessions
from pipeline.ledger.tokens import Token

IDLE = dt.timedelta(hours=1)
LONGEST = dt.timedelta(hours=12)
_MINUTE = dt.timedelta(minutes=1)  # how exactly it is recorded when a session was used last


class Session(Struct, frozen=True):
    token: Token
    created: dt.datetime
    seen: dt.datetime

    def is_seen_lately(self, now: dt.datetime) -> bool:
        return now - self.seen < _MINUTE


def begin(transaction: Transaction, secret: str, *, token: str, now: dt.datetime) -> None:
    """Record that somebody has signed in with this token. `secret`: the value of the cookie, 256 random bits."""
    row = {"hash": tokens.hash_of(secret), "token": tokens.hash_of(token), "created": now, "seen": now}
    transaction.execute(sa.insert(sessions).values(**row))


def find(transaction: Transaction, secret: str, *, now: dt.datetime) -> Session | None:
    """Return the session, or None if there is none, it has ended, or its token is no longer valid."""
    row = transaction.execute(sa.select(sessions).where(sessions.c.hash == tokens.hash_of(secret))).one_or_none()
    if row is None or now - row.seen >= IDLE or now - row.created >= LONGEST:
        return None
    token = tokens.find_by_hash(transaction, row.token, now=now)
    return None if token is None else Session(token, row.created, row.seen)


def record_use(transaction: Transaction, secret: str, *, now: dt.datetime) -> None:
    mine = sessions.c.hash == tokens.hash_of(secret)
    transaction.execute(sa.update(sessions).where(mine).values(seen=now))


def end(transaction: Transaction, secret: str) -> None:
    transaction.execute(sa.delete(sessions).where(sessions.c.hash == tokens.hash_of(secret)))


def forget(transaction: Transaction, *, now: dt.datetime) -> int:
    """Delete the sessions that have ended; return how many."""
    ended = sa.or_(sessions.c.seen <= now - IDLE, sessions.c.created <= now - LONGEST)
    return transaction.execute(sa.delete(sessions).where(ended)).rowcount
