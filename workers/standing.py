"""Whether this process may work: its clock, its schema and its settings against the ledger's and the other processes'.

the host's clock is wrong       it takes no work until the clock is right
the ledger has a newer schema   it takes no work until a process of the newer release replaces it
the ledger was restored         it takes no work until an operator lets the system go on
other processes have other settings   it works, and says so
"""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Collection
from importlib.metadata import version

import structlog

from pipeline.errors import CitewireError, ConfigError, TransientError
from pipeline.ledger import Ledger, migrations, processes, restorations
from pipeline.ledger.clock import LedgerClock
from pipeline.ledger.processes import Process
from workers.alive import identity
from workers.trouble import Trouble

SIGN = dt.timedelta(seconds=5)  # between two signs of life in the ledger

_log = structlog.get_logger()


class Standing:
    """Looked at every second by the thread that gives signs of life; read by every thread that takes work."""

    def __init__(self, ledger: Ledger, clock: LedgerClock, *, settings: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._host = socket.gethostname()
        self._release = version("citewire")  # read from disk
        self._own: Process | None = None
        with ledger.read() as transaction:
            self._hold = _restored(restorations.pending(transaction))
        self._trouble = Trouble(_log, begins="this process takes no work", ends="this process takes work again")
        self._differing: frozenset[str] = frozenset()

    def hold(self) -> CitewireError | None:
        """Return why this process may take no work now, or None."""
        return self._hold

    def look(self, name: str, kind: str) -> None:
        """Compare once. `name` is the process's on its host. Raises CitewireError if the ledger does not answer."""
        self._clock.measure()
        now, own = self._clock(), identity(name)
        with self._ledger.read() as transaction:
            schema = processes.schema(transaction)
            others = processes.alive(transaction, now=now)
            restored = restorations.pending(transaction)
        self._hold = _wrong_clock(self._clock) or _newer(schema) or _restored(restored)
        self._trouble.report(self._hold)
        self._compare([one for one in others if one.name != own])  # which may be as it was before it was replaced
        self._record(own, kind, now)

    def _compare(self, others: Collection[Process]) -> None:
        differing = frozenset(one.name for one in others if one.settings != self._settings)
        if differing and not self._differing:
            _log.warning("other processes have other settings", processes=sorted(differing))
        elif self._differing and not differing:
            _log.warning("all processes have the same settings again")
        self._differing = differing

    def _record(self, name: str, kind: str, now: dt.datetime) -> None:
        last = self._own
        own = Process(
            name=name,
            kind=kind,
            host=self._host,
            started=now if last is None else last.started,
            seen=now,
            release=self._release,
            schema=migrations.HEAD,
            settings=self._settings,
            clock_off=round(self._clock.ahead * 1000),
            trouble=None if self._hold is None else f"{self._hold.code}: {self._hold}",
        )
        if last is None or now - last.seen >= SIGN or now < last.seen or own.trouble != last.trouble:
            with self._ledger.write(lasting=False) as transaction:
                if last is None:
                    processes.forget_former(transaction, own)
                processes.record(transaction, own)
            self._own = own


def _wrong_clock(clock: LedgerClock) -> CitewireError | None:
    if not clock.is_wrong:
        return None
    word = "ahead of" if clock.ahead > 0 else "behind"
    message = f"this host's clock is {abs(clock.ahead):,.0f} seconds {word} the ledger's: have NTP set it"
    return TransientError(message, code="clock-wrong")


def _restored(backup: dt.datetime | None) -> CitewireError | None:
    """Hold everything after a restore: what was withdrawn after the backup must not be shown or sent again."""
    if backup is None:
        return None
    hint = "withdraw what was withdrawn since, then run `citewire restore --resume`"
    message = f"the ledger was restored from a backup of {backup:%Y-%m-%d %H:%M} UTC"
    return ConfigError(message, hint=hint, code="ledger-restored")


def _newer(schema: str) -> CitewireError | None:
    if schema <= migrations.HEAD:
        return None
    message = f"the ledger's schema is {schema}, newer than this program's ({migrations.HEAD})"
    return ConfigError(message, hint="start the newer program in its place", code="ledger-too-new")
