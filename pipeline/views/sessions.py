"""Who is signed in to the console."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.ledger.sessions import Session
from pipeline.model.identity import Identity


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """Somebody who is signed in. `used`: the last request, to the minute; `client`: the address they signed in from.

    `issuer` and `subject`: who it is at a provider of identities; None for somebody with a token.
    """

    id: str
    name: str
    role: str
    since: dt.datetime
    used: dt.datetime
    client: str | None
    issuer: str | None = None
    subject: str | None = None


def summary(session: Session) -> SessionSummary:
    one = session
    issued = (one.who.issuer, one.who.subject) if isinstance(one.who, Identity) else (None, None)
    return SessionSummary(one.id, one.name, one.role, one.created, one.seen, one.client, *issued)
