"""The site's processes: which of them run, with which schema and settings, and how far their clocks are off."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import processes

ALIVE = dt.timedelta(seconds=30)  # since a process was last seen; it says so every few seconds
_KEPT = dt.timedelta(days=1)


class Process(Struct, frozen=True, kw_only=True):
    """A process as it last described itself."""

    name: str  # in the whole site: "deliver@host-a:4711" is "deliver" on its host, with the process id 4711
    kind: str
    host: str
    started: dt.datetime
    seen: dt.datetime
    release: str
    schema: str
    settings: str
    clock_off: int  # milliseconds by which its clock is ahead of the ledger's
    trouble: str | None = None


def record(transaction: Transaction, process: Process) -> None:
    """Store a process's sign of life, and delete those of processes that have been gone for long."""
    values = structs.asdict(process)
    upsert = insert(transaction, processes).values(**values)
    transaction.execute(upsert.on_conflict_do_update(index_elements=[processes.c.name], set_=values))
    transaction.execute(sa.delete(processes).where(processes.c.seen < process.seen - _KEPT))


def forget_former(transaction: Transaction, process: Process) -> None:
    """Delete the processes of the same name on the same host, of which this one takes the place.

    Another that still runs, such as that of a second `citewire up`, records itself again with its next sign of life.
    """
    same = processes.c.name.startswith(f"{process.name.rpartition(':')[0]}:", autoescape=True)
    transaction.execute(sa.delete(processes).where(same, processes.c.name != process.name))


def alive(transaction: Transaction, *, now: dt.datetime) -> list[Process]:
    """Return the processes that gave a sign of life lately, by name."""
    columns = [processes.c[field] for field in Process.__struct_fields__]
    query = sa.select(*columns).where(processes.c.seen > now - ALIVE).order_by(processes.c.name)
    return [Process(**row._mapping) for row in transaction.execute(query)]


def schema(transaction: Transaction) -> str:
    """Return the ledger's schema, which a newer release may have changed since this process started."""
    found: str = transaction.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    return found
