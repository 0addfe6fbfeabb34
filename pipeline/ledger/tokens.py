"""Tokens for the API. Only their hashes are stored, so that the ledger reveals none."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import tokens

_ID = 10  # characters of the hash that identify a token


class Token(Struct, frozen=True):
    """What is known about a token; the token itself is not stored."""

    id: str
    name: str
    scope: str
    created: dt.datetime
    expires: dt.datetime | None
    revoked: dt.datetime | None
    used: dt.datetime | None  # the last time, to the hour; None: never

    def is_valid(self, now: dt.datetime) -> bool:
        return self.revoked is None and (self.expires is None or self.expires > now)

    def is_used_since(self, moment: dt.datetime) -> bool:
        return self.used is not None and self.used > moment


def add(
    transaction: Transaction,
    token: str,
    *,
    name: str,
    scope: str,
    now: dt.datetime,
    expires: dt.datetime | None = None,
) -> None:
    row = {"hash": hash_of(token), "name": name, "scope": scope, "created": now, "expires": expires}
    transaction.execute(sa.insert(tokens).values(**row))


_TOKEN = tuple(tokens.c[field] for field in ("name", "scope", "created", "expires", "revoked", "used"))
_WITH_HASH = sa.select(tokens.c.hash, *_TOKEN).where(tokens.c.hash == sa.bindparam("hashed"))


def find(transaction: Transaction, token: str, *, now: dt.datetime) -> Token | None:
    """Return the token, or None if it is unknown, was revoked or has expired.

    It is looked up by its hash. The time this takes reveals at most how the hash of a guess begins, and nobody can
    choose guesses by their hashes. The hash itself is compared in constant time.
    """
    digest = hash_of(token)
    row = transaction.execute(_WITH_HASH, {"hashed": digest}).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, digest):
        return None
    found = _token(row)
    return found if found.is_valid(now) else None


def valid(transaction: Transaction, digests: Collection[str], *, now: dt.datetime) -> dict[str, Token]:
    """Return the tokens with these hashes that were not revoked and have not expired, by their hashes."""
    rows = transaction.execute(sa.select(tokens.c.hash, *_TOKEN).where(tokens.c.hash.in_(digests)))
    found = {row.hash: _token(row) for row in rows}
    return {digest: token for digest, token in found.items() if token.is_valid(now)}


def record_use(transaction: Transaction, token: Token, *, now: dt.datetime) -> None:
    """Record that the token opened something."""
    named = sa.func.substr(tokens.c.hash, 1, _ID) == token.id
    transaction.execute(sa.update(tokens).where(named).values(used=now))


def every(transaction: Transaction) -> Sequence[Token]:
    """Return all tokens ever created, by name and then oldest first."""
    rows = transaction.execute(sa.select(tokens.c.hash, *_TOKEN).order_by(tokens.c.name, tokens.c.created))
    return [_token(row) for row in rows]


def revoke(transaction: Transaction, name: str, *, now: dt.datetime) -> int:
    """Revoke every token of this name, or the one with this id; return how many were still valid."""
    named = sa.or_(tokens.c.name == name, sa.func.substr(tokens.c.hash, 1, _ID) == name)
    still = (tokens.c.revoked.is_(None), sa.or_(tokens.c.expires.is_(None), tokens.c.expires > now))
    return transaction.execute(sa.update(tokens).where(named, *still).values(revoked=now)).rowcount


def _token(row: sa.Row[tuple[object, ...]]) -> Token:
    return Token(row.hash[:_ID], row.name, row.scope, row.created, row.expires, row.revoked, row.used)


def hash_of(token: str) -> str:
    """Return the hash under which a token is stored."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def forget(transaction: Transaction, *, before: dt.datetime) -> int:
    """Delete tokens that were revoked, or have expired, before this time."""
    ended = sa.or_(tokens.c.revoked < before, tokens.c.expires < before)
    return transaction.execute(sa.delete(tokens).where(ended)).rowcount
