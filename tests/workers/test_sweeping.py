"""The sweep outlives whatever its ledger does; where it does not, its process ends too."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from bench import Bench
from own_database import own, run, server
from sqlalchemy.engine import URL
from structlog.testing import capture_logs
from waiting import until

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.ledger.clock import SWEEP
from pipeline.ledger.tables import leases
from pipeline.stages.context import Context
from workers import sweeping
from workers.celery import app
from workers.doorbell import CeleryDoorbell

ROOT = Path(__file__).resolve().parents[2]

__all__ = ["own", "server"]  # fixtures


@pytest.fixture
def context(own: URL) -> Iterator[Context]:
    ledger = Ledger(own.render_as_string(hide_password=False))
    ledger.migrate()
    yield replace(Bench(ledger).context, clock=Context.clock)
    ledger.close()


def test_a_sweep_goes_on_after_a_failover_and_says_so_once(
    server: sa.Engine, own: URL, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is read-only, and then one without a table: each for several sweeps."""
    monkeypatch.setattr(sweeping, "SWEEP_EVERY", 0.05)
    away = CeleryDoorbell(app, "redis+socket:///nowhere/valkey.sock")
    stop = threading.Event()

    def last() -> object:
        with context.ledger.read() as transaction:
            return transaction.scalar(sa.select(leases.c.leased_until).where(leases.c.name == SWEEP))

    def goes_on() -> None:
        before = last()
        until(lambda: last() != before)

    with capture_logs() as logged:
        monkeypatch.setattr(sweeping, "_log", structlog.get_logger())
        sweeper = sweeping.start(context, away, "test", stop)

        def times_logged(event: str) -> int:
            return sum(line["event"] == event for line in logged)

        try:
            until(last)
            run(server, f"ALTER DATABASE {own.database} SET default_transaction_read_only = on")
            end_sessions(server, own)
            until(lambda: times_logged("the sweep must wait") == 1)
            run(server, f"ALTER DATABASE {own.database} RESET default_transaction_read_only")
            until(lambda: times_logged("the sweep goes on") == 1)
            goes_on()
            with context.ledger.write() as transaction:
                transaction.execute(sa.text("ALTER TABLE leases RENAME TO elsewhere"))
            until(lambda: times_logged("the sweep must wait") == 2)
            with context.ledger.write() as transaction:
                transaction.execute(sa.text("ALTER TABLE elsewhere RENAME TO leases"))
            until(lambda: times_logged("the sweep goes on") == 2)
            goes_on()
        finally:
            stop.set()
            sweeper.join()
    assert [line["code"] for line in logged if line["event"] == "the sweep must wait"] == [
        "ledger-unreachable",
        "ledger-older",
    ]


def test_a_failure_that_the_ledger_never_takes_stops_no_sweep(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a row which another transaction keeps locked."""
    monkeypatch.setattr(sweeping, "SWEEP_EVERY", 0.05)
    tried, swept, stop = list[int](), list[int](), threading.Event()

    def is_locked() -> None:
        tried.append(len(swept))
        raise TransientError("the row is locked", code="ledger-busy")

    def sweep(_context: Context) -> bool:
        swept.append(1)
        return True

    context.unrecorded.append(is_locked)
    monkeypatch.setattr(sweeping, "sweep", sweep)
    sweeper = sweeping.start(context, CeleryDoorbell(app, "redis+socket:///nowhere/valkey.sock"), "test", stop)
    try:
        until(lambda: len(tried) > 2)
    finally:
        stop.set()
        sweeper.join()
    assert tried[0] > 0 and len(swept) >= len(tried)
    assert list(context.unrecorded) == [is_locked]


def end_sessions(server: sa.Engine, of: URL) -> None:
    ended = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    with server.connect() as connection:
        connection.execute(ended, {"name": of.database})


def test_a_process_whose_sweep_ends_ends_as_well() -> None:
    code = (
        "import threading, time\n"
        "from workers import sweeping\n"
        "class Bell:\n"
        "    def heartbeat(self, name): raise SystemExit\n"
        "sweeping.start(None, Bell(), 'test', threading.Event())\n"
        "time.sleep(600)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 70, done.stderr
    assert "the sweep ended" in done.stdout + done.stderr
