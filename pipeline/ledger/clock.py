"""The ledger's own time: one clock for every process that writes, so that a wrong clock elsewhere does no harm."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Ledger
from pipeline.ledger.tables import leases

SWEEP = "sweep"  # the lease that a worker takes every second
_CLOSE = dt.timedelta(seconds=10)  # how late a sweep may be


def ledger_time(ledger: Ledger, own: dt.datetime, *, running: bool) -> dt.datetime:
    """Return the ledger's time, given a process's own.

    On PostgreSQL it is the server's time. On SQLite it is the workers', recorded with every sweep, as long as the
    system is `running`; a process whose clock agrees with theirs to within ten seconds uses its own.
    """
    with ledger.read() as transaction:
        if transaction.dialect.name == "postgresql":
            server = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))
            return transaction.execute(server).scalar_one().astimezone(dt.UTC)
        swept: dt.datetime | None = transaction.scalar(sa.select(leases.c.leased_until).where(leases.c.name == SWEEP))
    return swept if running and swept is not None and abs(own - swept) > _CLOSE else own
