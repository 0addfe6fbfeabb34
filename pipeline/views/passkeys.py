"""Who can sign in to the console with a passkey, and who is invited to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ledger.passkeys import Invitation, Passkey, Person


@dataclass(frozen=True, slots=True)
class PasskeySummary:
    """A passkey. `used`: when somebody last signed in with it, if ever."""

    id: str
    name: str
    added: dt.datetime
    used: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """Somebody with passkeys. `by_token`: they hold a token, with which their passkeys end. `codes`: that are left."""

    id: str
    subject: str
    name: str
    role: str
    by_token: bool
    since: dt.datetime
    codes: int
    passkeys: tuple[PasskeySummary, ...]


@dataclass(frozen=True, slots=True)
class InvitationSummary:
    """An invitation that can still be accepted."""

    id: str
    name: str
    role: str
    since: dt.datetime
    expires: dt.datetime


def person_summary(person: Person, has: Sequence[Passkey], codes: int) -> PersonSummary:
    own = tuple(PasskeySummary(one.id, one.name, one.created, one.used) for one in has)
    by_token = person.token is not None
    return PersonSummary(person.id, person.handle, person.name, person.role, by_token, person.created, codes, own)


def invitation_summary(one: Invitation) -> InvitationSummary:
    return InvitationSummary(one.id, one.name, one.role, one.created, one.expires)
