"""Passkeys, the people who have them, and what else lets these people in: recovery codes and invitations.

A person is a random handle, which their authenticators know them by. Somebody who was invited has a role of their own;
somebody who added a passkey while signed in with a token is the holder of that token, whose passkeys open nothing once
the token does not. Secrets are kept as their hashes, as tokens are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import tokens
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import (
    invitations,
    passkey_challenges,
    passkey_people,
    passkeys,
    recovery_codes,
    sessions,
)
from pipeline.ledger.tables import tokens as token_rows
from pipeline.model.identity import CHALLENGE_LASTS, PASSKEY, Identity

_ID = 10  # characters of a hash or a handle that identify
MOST_CHALLENGES = 10_000  # that are open at a time: strangers may ask for them


class Person(Struct, frozen=True):
    handle: str
    name: str
    role: str
    token: str | None  # the hash of the token that they hold; None: they were invited
    created: dt.datetime

    @property
    def id(self) -> str:
        return self.handle[:_ID]

    @property
    def identity(self) -> Identity:
        """Return who it is, for somebody without a token."""
        return Identity(PASSKEY, self.handle, self.name, self.role)

    @property
    def by(self) -> str:
        """Return the person as operations name them."""
        return self.name if self.token is not None else self.identity.by


class Passkey(Struct, frozen=True):
    hash: str
    credential: str  # base64url
    person: str
    name: str
    key: bytes  # COSE
    counter: int
    created: dt.datetime
    used: dt.datetime | None

    @property
    def id(self) -> str:
        return self.hash[:_ID]


class Invitation(Struct, frozen=True):
    hash: str
    name: str
    role: str
    created: dt.datetime
    expires: dt.datetime

    @property
    def id(self) -> str:
        return self.hash[:_ID]


class Open(Struct, frozen=True):
    """A challenge that was not answered yet. `person`: the handle that the authenticator was given."""

    person: str | None


# --- what a browser is asked ---------------------------------------------------------------------------------------


def ask(
    transaction: Transaction, challenge: str, *, now: dt.datetime, asker: str | None = None, person: str | None = None
) -> bool:
    """Record a challenge; return False if there are too many.

    `asker`: the secret of the session or the invitation that adds a passkey, and `person` its handle. None: a sign-in.
    """
    transaction.execute(sa.delete(passkey_challenges).where(passkey_challenges.c.expires <= now))
    if (transaction.scalar(sa.select(sa.func.count()).select_from(passkey_challenges)) or 0) >= MOST_CHALLENGES:
        return False
    row = {"hash": tokens.hash_of(challenge), "person": person, "expires": now + CHALLENGE_LASTS}
    asked = None if asker is None else tokens.hash_of(asker)
    transaction.execute(sa.insert(passkey_challenges).values(**row, asker=asked))
    return True


def take(transaction: Transaction, challenge: str, *, now: dt.datetime, asker: str | None = None) -> Open | None:
    """Use a challenge up. Return None if it was never given to this asker, was used, or is too old."""
    column = passkey_challenges.c
    mine = column.asker.is_(None) if asker is None else column.asker == tokens.hash_of(asker)
    taken = sa.delete(passkey_challenges).where(column.hash == tokens.hash_of(challenge), mine, column.expires > now)
    row = transaction.execute(taken.returning(column.person)).one_or_none()
    return None if row is None else Open(row.person)


# --- people and their passkeys -------------------------------------------------------------------------------------


def are_any(transaction: Transaction) -> bool:
    return transaction.execute(sa.select(passkeys.c.hash).limit(1)).first() is not None


def find(transaction: Transaction, credential: str, *, now: dt.datetime) -> tuple[Passkey, Person] | None:
    """Return a passkey and whose it is, locked until the transaction ends; None if it opens nothing."""
    named = passkeys.c.hash == tokens.hash_of(credential)
    row = transaction.execute(sa.select(passkeys).where(named).with_for_update()).one_or_none()
    if row is None:
        return None
    person = person_of(transaction, row.person, now=now)
    return None if person is None else (Passkey(*row), person)


def person_of(transaction: Transaction, handle: str, *, now: dt.datetime) -> Person | None:
    """Return the person, or None if there is none, or their token is no longer valid."""
    row = transaction.execute(sa.select(passkey_people).where(passkey_people.c.handle == handle)).one_or_none()
    return next(iter(_valid(transaction, [row], now)), None) if row is not None else None


def holder_of(transaction: Transaction, token: str, *, lock: bool = False) -> Person | None:
    """Return the holder of the token with this id, if they have added a passkey. `lock`: who else asks waits."""
    digest = hash_of_token(transaction, token, lock=lock)
    row = transaction.execute(sa.select(passkey_people).where(passkey_people.c.token == digest)).one_or_none()
    return None if row is None else _person(row)


def hash_of_token(transaction: Transaction, token: str, *, lock: bool = False) -> str:
    query = sa.select(token_rows.c.hash).where(sa.func.substr(token_rows.c.hash, 1, _ID) == token)
    found: str = transaction.execute(query.with_for_update() if lock else query).scalar_one()
    return found


def everybody(transaction: Transaction, *, now: dt.datetime) -> list[Person]:
    """Return the people whom a passkey or a recovery code lets in, by name."""
    query = sa.select(passkey_people).order_by(passkey_people.c.name, passkey_people.c.handle)
    return _valid(transaction, transaction.execute(query).all(), now)


def of_people(transaction: Transaction, handles: Collection[str]) -> list[Passkey]:
    """Return the passkeys of these people, oldest first."""
    query = sa.select(passkeys).where(passkeys.c.person.in_(handles)).order_by(passkeys.c.created, passkeys.c.hash)
    return [Passkey(*row) for row in transaction.execute(query)]


def add_person(
    transaction: Transaction, handle: str, *, name: str, role: str, token: str | None, now: dt.datetime
) -> Person:
    person = Person(handle, name, role, token, now)
    transaction.execute(sa.insert(passkey_people).values(**structs.asdict(person)))
    return person


def add(
    transaction: Transaction, credential: str, *, person: str, name: str, key: bytes, counter: int, now: dt.datetime
) -> Passkey | None:
    """Add a passkey; return None if it is somebody's already."""
    found = Passkey(tokens.hash_of(credential), credential, person, name, key, counter, now, None)
    there = sa.select(passkeys.c.hash).where(passkeys.c.hash == found.hash)
    if transaction.execute(there).first() is not None:
        return None
    transaction.execute(sa.insert(passkeys).values(**structs.asdict(found)))
    return found


def record_use(transaction: Transaction, passkey: Passkey, *, counter: int, now: dt.datetime) -> None:
    mine = passkeys.c.hash == passkey.hash
    transaction.execute(sa.update(passkeys).where(mine).values(counter=counter, used=now))


def remove(transaction: Transaction, passkey: Passkey) -> int:
    """Remove a passkey and end the sessions that it began; return how many."""
    transaction.execute(sa.delete(passkeys).where(passkeys.c.hash == passkey.hash))
    return transaction.execute(sa.delete(sessions).where(sessions.c.passkey == passkey.hash)).rowcount


def remove_person(transaction: Transaction, person: Person) -> int:
    """Remove a person with their passkeys, recovery codes and sessions; return how many sessions.

    The sessions of a holder are all those of the token: one that a recovery code began looks like the others.
    """
    transaction.execute(sa.delete(passkeys).where(passkeys.c.person == person.handle))
    transaction.execute(sa.delete(recovery_codes).where(recovery_codes.c.person == person.handle))
    transaction.execute(sa.delete(passkey_people).where(passkey_people.c.handle == person.handle))
    if person.token is not None:
        own = sessions.c.token == person.token
    else:
        own = sa.and_(sessions.c.issuer == PASSKEY, sessions.c.subject == person.handle)
    return transaction.execute(sa.delete(sessions).where(own)).rowcount


def remove_holders(transaction: Transaction) -> None:
    """Remove the people whose tokens were revoked, or are not there any more."""
    lasting = sa.select(token_rows.c.hash).where(token_rows.c.revoked.is_(None))
    ended = sa.and_(passkey_people.c.token.is_not(None), passkey_people.c.token.not_in(lasting))
    for row in list(transaction.execute(sa.select(passkey_people).where(ended))):
        remove_person(transaction, _person(row))


def _person(row: sa.Row[Any]) -> Person:
    return Person(row.handle, row.name, row.role, row.token, row.created)


def _valid(transaction: Transaction, rows: Sequence[sa.Row[Any]], now: dt.datetime) -> list[Person]:
    people = [_person(row) for row in rows]
    held = tokens.valid(transaction, {one.token for one in people if one.token is not None}, now=now)
    return [one for one in people if one.token is None or one.token in held]


# --- recovery codes ------------------------------------------------------------------------------------------------


def put_codes(transaction: Transaction, person: str, codes: Collection[str]) -> None:
    """Replace the recovery codes of a person."""
    transaction.execute(sa.delete(recovery_codes).where(recovery_codes.c.person == person))
    rows = [{"hash": tokens.hash_of(code), "person": person} for code in codes]
    transaction.execute(sa.insert(recovery_codes), rows)


def use_code(transaction: Transaction, code: str, *, now: dt.datetime) -> tuple[Person, int] | None:
    """Use a recovery code up; return whose it was, and how many are left. None: it opens nothing."""
    used = sa.delete(recovery_codes).where(recovery_codes.c.hash == tokens.hash_of(code))
    row = transaction.execute(used.returning(recovery_codes.c.person)).one_or_none()
    person = row and person_of(transaction, row.person, now=now)
    return (person, codes_left(transaction, [person.handle]).get(person.handle, 0)) if person else None


def codes_left(transaction: Transaction, handles: Collection[str]) -> dict[str, int]:
    """Return how many codes each of these people has, if any."""
    column = recovery_codes.c.person
    query = sa.select(column, sa.func.count().label("left")).where(column.in_(handles)).group_by(column)
    return {row.person: row.left for row in transaction.execute(query)}


# --- invitations ---------------------------------------------------------------------------------------------------


def invite(
    transaction: Transaction, secret: str, *, name: str, role: str, now: dt.datetime, expires: dt.datetime
) -> Invitation:
    made = Invitation(tokens.hash_of(secret), name, role, now, expires)
    transaction.execute(sa.insert(invitations).values(**structs.asdict(made)))
    return made


def invited(transaction: Transaction, secret: str, *, now: dt.datetime) -> Invitation | None:
    """Return the invitation, or None if it is unknown, was accepted or withdrawn, or is too old."""
    mine = (invitations.c.hash == tokens.hash_of(secret), invitations.c.expires > now)
    row = transaction.execute(sa.select(invitations).where(*mine)).one_or_none()
    return None if row is None else Invitation(*row)


def open_invitations(transaction: Transaction, *, now: dt.datetime) -> list[Invitation]:
    """Return the invitations that can still be accepted, those that end first first."""
    query = sa.select(invitations).where(invitations.c.expires > now).order_by(invitations.c.expires)
    return [Invitation(*row) for row in transaction.execute(query)]


def end_invitation(transaction: Transaction, invitation: Invitation) -> bool:
    """Delete an invitation that is accepted or withdrawn; return False if somebody was faster."""
    return transaction.execute(sa.delete(invitations).where(invitations.c.hash == invitation.hash)).rowcount == 1


def forget(transaction: Transaction, *, now: dt.datetime) -> None:
    """Delete challenges and invitations that have expired, and the people whose tokens are not there any more."""
    transaction.execute(sa.delete(passkey_challenges).where(passkey_challenges.c.expires <= now))
    transaction.execute(sa.delete(invitations).where(invitations.c.expires <= now))
    remove_holders(transaction)
