"""Sessions: people who are signed in to the console with a token. Only the hashes of their cookies are stored.

A session ends when it was not used for a while, some hours after it began in any case, and with its token.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import tokens
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import sessions
from pipeline.ledger.tables import tokens as token_rows
from pipeline.ledger.tokens import Token
from pipeline.model.policy import SessionLimits

_ID = 10  # characters of the hash that identify a session
_MINUTE = dt.timedelta(minutes=1)  # how exactly it is recorded when a session was used last


class Session(Struct, frozen=True):
    id: str  # identifies the session without opening it
    token: Token
    created: dt.datetime
    seen: dt.datetime  # the last request, to the minute
    client: str | None  # the address that signed in; None: it was not recorded

    def is_seen_lately(self, now: dt.datetime) -> bool:
        return now - self.seen < _MINUTE

    @property
    def name(self) -> str:
        return self.token.name

    @property
    def role(self) -> str:
        return self.token.scope

    def is_of_same_person(self, other: Session) -> bool:
        return self.token.id == other.token.id


def begin(transaction: Transaction, secret: str, *, token: str, client: str, now: dt.datetime) -> None:
    """Record that somebody has signed in with this token. `secret`: the value of the cookie, 256 random bits."""
    row = {"hash": tokens.hash_of(secret), "token": tokens.hash_of(token), "created": now, "seen": now}
    transaction.execute(sa.insert(sessions).values(**row, client=client))


def find(transaction: Transaction, secret: str, *, now: dt.datetime, limits: SessionLimits) -> Session | None:
    """Return the session, or None if there is none, it has ended, or its token is no longer valid."""
    row = transaction.execute(sa.select(sessions).where(sessions.c.hash == tokens.hash_of(secret))).one_or_none()
    if row is None or now - row.seen >= limits.idle or now - row.created >= limits.longest:
        return None
    token = tokens.find_by_hash(transaction, row.token, now=now)
    return None if token is None else _session(row, token)


def every(transaction: Transaction, *, now: dt.datetime, limits: SessionLimits) -> list[Session]:
    """Return the sessions that have not ended, those used last first."""
    lasting = sa.and_(sessions.c.seen > now - limits.idle, sessions.c.created > now - limits.longest)
    query = sa.select(sessions).where(lasting).order_by(sessions.c.seen.desc(), sessions.c.hash)
    rows = transaction.execute(query).all()
    valid = tokens.valid(transaction, {row.token for row in rows}, now=now)
    return [_session(row, valid[row.token]) for row in rows if row.token in valid]


def _session(row: sa.Row[tuple[object, ...]], token: Token) -> Session:
    return Session(row.hash[:_ID], token, row.created, row.seen, row.client)


def record_use(transaction: Transaction, secret: str, *, now: dt.datetime) -> None:
    mine = sessions.c.hash == tokens.hash_of(secret)
    transaction.execute(sa.update(sessions).where(mine).values(seen=now))


def end(transaction: Transaction, secret: str) -> None:
    transaction.execute(sa.delete(sessions).where(sessions.c.hash == tokens.hash_of(secret)))


def end_each(transaction: Transaction, ids: Collection[str]) -> int:
    """End the sessions with these ids; return how many there were."""
    named = sa.func.substr(sessions.c.hash, 1, _ID).in_(ids)
    return transaction.execute(sa.delete(sessions).where(named)).rowcount


def end_with_tokens(transaction: Transaction) -> int:
    """End the sessions whose tokens were revoked; return how many."""
    revoked = sa.select(token_rows.c.hash).where(token_rows.c.revoked.is_not(None))
    return transaction.execute(sa.delete(sessions).where(sessions.c.token.in_(revoked))).rowcount


def forget(transaction: Transaction, *, now: dt.datetime, limits: SessionLimits) -> int:
    """Delete the sessions that have ended; return how many."""
    ended = sa.or_(sessions.c.seen <= now - limits.idle, sessions.c.created <= now - limits.longest)
    return transaction.execute(sa.delete(sessions).where(ended)).rowcount
