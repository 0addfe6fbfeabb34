"""The ledger's own time: one clock for every process, so that a wrong clock on one host does no harm.

PostgreSQL   the server's. A process measures it once a second and counts on from there by its uptime, so a jump of the
             host's clock changes nothing
SQLite       the host's, which is every process's. If it jumps, the ledger's time goes on as if it had not, until it has
             been accepted: when no process has agreed with the former time for a while (`SETTLES`)
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipeline.errors import TransientError
from pipeline.ledger.database import Ledger, Transaction, insert
from pipeline.ledger.set_back import set_back
from pipeline.ledger.tables import clock, leases
from pipeline.uptime import uptime

SWEEP = "sweep"  # the lease that a worker takes every second
TOLERANCE = 5.0  # seconds that a host's clock may be off before its processes stop taking work
SETTLES = 20.0  # seconds after which, on SQLite, a changed clock counts as right
_CLOSE = dt.timedelta(seconds=10)  # how late a sweep may be
_RECORD = 5.0  # seconds between records that a process agrees, on SQLite
_QUICK = 1.0  # seconds: an answer that takes longer says too little about the time


def boot_id() -> str:
    """Return what is the same until the host restarts, or "" on systems other than Linux."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


@dataclass(frozen=True)
class _Row:
    boot: str
    booted: dt.datetime
    at: dt.datetime


@dataclass(frozen=True)
class _Anchor:
    """A moment by the ledger's clock and by the uptime."""

    at: dt.datetime
    uptime: float


class LedgerClock:
    """Call it for the ledger's time. `measure` compares it with the host's clock; threads may share it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        wall: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        uptime: Callable[[], float] = uptime,
        boot: str | None = None,
    ) -> None:
        self._ledger = ledger
        self._wall = wall
        self._uptime = uptime
        self._boot = boot_id() if boot is None else boot
        self._anchor: _Anchor | None = None
        self._lock = threading.Lock()
        self._doubted: tuple[float, dt.datetime] | None = None  # since when (uptime), and the ledger's row then
        self.ahead = 0.0  # seconds by which the host's clock is ahead of the ledger's

    @property
    def is_wrong(self) -> bool:
        """Whether the host's clock was too far from the ledger's when it was last measured."""
        return abs(self.ahead) > TOLERANCE

    def __call__(self) -> dt.datetime:
        if self._anchor is None:
            self._measure(record=False)  # a transaction that writes may be open, and another one would wait for it
        anchor = self._anchor
        assert anchor is not None
        return anchor.at + dt.timedelta(seconds=self._uptime() - anchor.uptime)

    def measure(self) -> None:
        """Compare the host's clock with the ledger's. Raises TransientError if the ledger does not answer.

        On SQLite the outcome is recorded, so no transaction may be open in this thread.
        """
        self._measure(record=True)

    def _measure(self, *, record: bool) -> None:
        with self._lock:
            if self._ledger.is_sqlite:
                self._measure_host(record=record)
            else:
                self._measure_server()

    def _measure_server(self) -> None:
        with self._ledger.read() as transaction:
            begun = self._uptime()
            server = _server_time(transaction)
            ended, own = self._uptime(), self._wall()
        if ended - begun > _QUICK and self._anchor is not None:
            return
        half = dt.timedelta(seconds=(ended - begun) / 2)
        self._anchor = _Anchor(server + half, ended)
        self.ahead = (own - server - half).total_seconds()

    def _measure_host(self, *, record: bool) -> None:
        own, up = self._wall(), self._uptime()
        with self._ledger.read() as transaction:
            row = _read(transaction)
        theirs = own if row is None else self._by(row, own, up)
        self.ahead = (own - theirs).total_seconds()
        if self.is_wrong and row is not None:
            self._doubt(row, own, up, record=record)
            return
        self._doubted, self._anchor = None, _Anchor(own, up)
        if record and (
            row is None or (own - row.at).total_seconds() >= _RECORD or row.boot != self._boot or own < row.at
        ):
            self._record(own, up)

    def _by(self, row: _Row, own: dt.datetime, up: float) -> dt.datetime:
        """Return the time by the ledger's row. After a restart it is only a lower bound."""
        if self._boot and row.boot == self._boot:
            return row.booted + dt.timedelta(seconds=up)
        return max(own, row.at)

    def _doubt(self, row: _Row, own: dt.datetime, up: float, *, record: bool) -> None:
        """Keep the ledger's time, and accept the host's once no process has agreed with the former for a while."""
        if self._doubted is None or self._doubted[1] != row.at:
            self._doubted = up, row.at
        self._anchor = _Anchor(self._by(row, own, up), up)
        if not record or up - self._doubted[0] < SETTLES:
            return
        with self._ledger.write() as transaction:
            if _read(transaction) != row:
                return
            if self.ahead < 0:
                set_back(transaction, dt.timedelta(seconds=-self.ahead), now=own)
            _write(transaction, self._row(own, up))
        self._doubted, self._anchor, self.ahead = None, _Anchor(own, up), 0.0

    def _record(self, own: dt.datetime, up: float) -> None:
        with contextlib.suppress(TransientError), self._ledger.write(lasting=False) as transaction:
            _write(transaction, self._row(own, up))

    def _row(self, own: dt.datetime, up: float) -> _Row:
        return _Row(self._boot, own - dt.timedelta(seconds=up), own)


def ledger_time(ledger: Ledger, own: dt.datetime, *, running: bool) -> dt.datetime:
    """Return the ledger's time for a command, given its own.

    On PostgreSQL it is the server's time. On SQLite it is the workers', recorded with every sweep, as long as the
    system is `running`; a process whose clock agrees with theirs to within ten seconds uses its own.
    """
    with ledger.read() as transaction:
        if not ledger.is_sqlite:
            return _server_time(transaction)
        swept: dt.datetime | None = transaction.scalar(sa.select(leases.c.leased_until).where(leases.c.name == SWEEP))
    return swept if running and swept is not None and abs(own - swept) > _CLOSE else own


def _server_time(transaction: Transaction) -> dt.datetime:
    server = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))
    return transaction.execute(server).scalar_one().astimezone(dt.UTC)


def _read(transaction: Transaction) -> _Row | None:
    row = transaction.execute(sa.select(clock.c.boot, clock.c.booted, clock.c.at)).one_or_none()
    return None if row is None else _Row(*row)


def _write(transaction: Transaction, row: _Row) -> None:
    values = {"boot": row.boot, "booted": row.booted, "at": row.at}
    upsert = insert(transaction, clock).values(id=1, **values)
    transaction.execute(upsert.on_conflict_do_update(index_elements=[clock.c.id], set_=values))
