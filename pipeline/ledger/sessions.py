"""Sessions: people who are signed in to the console. Only the hashes of their cookies are stored.

Somebody has signed in with a token or a passkey, or a provider of identities (its issuer) has said who they are. A
session ends when it was not used for a while, some hours after it began in any case, and with its token, with its
passkey, or when its issuer is no longer that of the settings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import tokens
from pipeline.ledger.database import Transaction
from pipeline.ledger.passkeys import Person
from pipeline.ledger.tables import sessions
from pipeline.ledger.tables import tokens as token_rows
from pipeline.ledger.tokens import Token
from pipeline.model.identity import PASSKEY, Identity
from pipeline.model.policy import SessionLimits

_ID = 10  # characters of the hash that identify a session
_MINUTE = dt.timedelta(minutes=1)  # how exactly it is recorded when a session was used last


class Session(Struct, frozen=True):
    id: str  # identifies the session without opening it
    who: Token | Identity
    created: dt.datetime
    seen: dt.datetime  # the last request, to the minute
    client: str | None  # the address that signed in; None: it was not recorded
    passkey: str | None = None  # the hash of the passkey that it was begun with, if it was

    def is_seen_lately(self, now: dt.datetime) -> bool:
        return now - self.seen < _MINUTE

    @property
    def name(self) -> str:
        return self.who.name

    @property
    def by(self) -> str:
        """Return the person as operations name them."""
        return self.who.name if isinstance(self.who, Token) else self.who.by

    @property
    def role(self) -> str:
        return self.who.scope if isinstance(self.who, Token) else self.who.role

    def is_of_same_person(self, other: Session) -> bool:
        return self._person == other._person

    @property
    def _person(self) -> tuple[str, ...]:
        return (self.who.id,) if isinstance(self.who, Token) else (self.who.issuer, self.who.subject)


def begin(
    transaction: Transaction,
    secret: str,
    *,
    who: str | Identity | Person,
    client: str,
    now: dt.datetime,
    passkey: str | None = None,
) -> None:
    """Record that somebody has signed in: with this token, by the word of a provider, or as one who has passkeys.

    `secret`: the value of the cookie, 256 random bits. `passkey`: the hash of the one that was used.
    """
    row = {"hash": tokens.hash_of(secret), "created": now, "seen": now, "client": client, "passkey": passkey}
    person: dict[str, Any]
    match who:
        case Person(token=None):
            person = structs.asdict(who.identity)
        case Person():
            person = {"token": who.token}
        case Identity():
            person = structs.asdict(who)
        case _:
            person = {"token": tokens.hash_of(who)}
    transaction.execute(sa.insert(sessions).values(**row, **person))


def find(transaction: Transaction, secret: str, *, now: dt.datetime, limits: SessionLimits) -> Session | None:
    """Return the session, or None if there is none, it has ended, or its token is no longer valid."""
    row = transaction.execute(sa.select(sessions).where(sessions.c.hash == tokens.hash_of(secret))).one_or_none()
    if row is None or now - row.seen >= limits.idle or now - row.created >= limits.longest:
        return None
    return next(_lasting(transaction, [row], now, limits), None)


def every(transaction: Transaction, *, now: dt.datetime, limits: SessionLimits) -> list[Session]:
    """Return the sessions that have not ended, those used last first."""
    lasting = sa.and_(sessions.c.seen > now - limits.idle, sessions.c.created > now - limits.longest)
    query = sa.select(sessions).where(lasting).order_by(sessions.c.seen.desc(), sessions.c.hash)
    return list(_lasting(transaction, transaction.execute(query).all(), now, limits))


def _lasting(
    transaction: Transaction, rows: Sequence[sa.Row[Any]], now: dt.datetime, limits: SessionLimits
) -> Iterator[Session]:
    """Yield those that have a token which is valid, or an issuer whose word is taken."""
    issuers = {limits.issuer, PASSKEY if limits.passkeys else None} - {None}
    valid = tokens.valid(transaction, {row.token for row in rows if row.token is not None}, now=now)
    for row in rows:
        who: Token | Identity | None = valid.get(row.token)
        if row.token is None and row.issuer in issuers:
            who = Identity(row.issuer, row.subject, row.name, row.role)
        if who is not None and (row.passkey is None or limits.passkeys):
            yield Session(row.hash[:_ID], who, row.created, row.seen, row.client, row.passkey)


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
