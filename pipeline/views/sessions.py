"""Who is signed in to the console."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.ledger.sessions import Session


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """Somebody who is signed in. `used`: the last request, to the minute; `client`: the address they signed in from."""

    id: str
    name: str
    role: str
    since: dt.datetime
    used: dt.datetime
    client: str | None


def summary(session: Session) -> SessionSummary:
    return SessionSummary(session.id, session.name, session.role, session.created, session.seen, session.client)
