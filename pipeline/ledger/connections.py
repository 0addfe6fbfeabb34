"""How many connections the running processes may open, and how many the server allows."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import poolers, processes
from pipeline.ledger.database import CONNECTIONS, Transaction


class Connections(Struct, frozen=True, kw_only=True):
    each: int  # of a process at most
    processes: int  # that run
    server: int  # what PostgreSQL allows, over all its users
    pooled: bool  # through a pooler, which has limits of its own

    @property
    def fits(self) -> bool:
        """Whether all processes may open as many as they can. A pooler makes them wait instead."""
        return self.pooled or self.each * self.processes <= self.server


def connections(transaction: Transaction, *, now: dt.datetime) -> Connections | None:
    """Return the figures, or None on SQLite, which has no server."""
    if transaction.dialect.name != "postgresql":
        return None
    return Connections(
        each=CONNECTIONS,
        processes=len(processes.alive(transaction, now=now)),
        server=int(transaction.scalar(sa.text("SHOW max_connections")) or 0),
        pooled=poolers.is_pooled(transaction),
    )
