"""The ledger's time, whatever the clock of a host says, and leases that a wrong clock has written."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench import Bench, article
from empty_ledger import empty_ledger
from every_stage import deliver
from judges.presence import missing

from pipeline.ledger import Ledger, leases, operations, places
from pipeline.ledger.clock import SETTLES, LedgerClock
from pipeline.ledger.database import BUSY_TIMEOUT
from pipeline.ledger.operations import Operation
from pipeline.ledger.places import Place
from pipeline.ledger.set_back import set_back
from pipeline.ledger.tables import deliveries, metadata
from pipeline.stages.sweep import sweep
from pipeline.uptime import uptime

DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@dataclass
class Host:
    """A host's clock and its uptime."""

    wall: dt.datetime = NOON
    up: float = 1000.0
    boot: str = "a boot"

    def pass_(self, seconds: float) -> None:
        self.wall += dt.timedelta(seconds=seconds)
        self.up += seconds

    def clock(self, ledger: Ledger) -> LedgerClock:
        return LedgerClock(ledger, wall=lambda: self.wall, uptime=lambda: self.up, boot=self.boot)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Ledger]:
    ledger = empty_ledger(tmp_path)
    yield ledger
    ledger.close()


@pytest.mark.parametrize("skew", ["-2h", "+1h"])
def test_the_uptime_is_the_kernels_in_a_process_that_is_shown_another_time(skew: str) -> None:
    if shutil.which("faketime") is None:
        missing("faketime", "Debian's package `faketime` has it")
    command = ["faketime", "-f", skew, sys.executable, "-c", "from pipeline.uptime import uptime; print(uptime())"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert abs(float(shown) - uptime()) < 60


def test_on_a_server_the_time_is_the_servers(postgresql: str) -> None:
    ledger = Ledger(postgresql)
    ledger.migrate()
    real = dt.datetime.now(dt.UTC)
    host = Host(wall=real + DAY)
    clock = host.clock(ledger)
    assert abs(clock() - real) < dt.timedelta(minutes=1)
    assert clock.is_wrong
    assert clock.ahead == pytest.approx(86_400, abs=60)
    before = clock()
    host.wall -= DAY  # set right, between two measurements
    host.up += 3
    assert clock() == before + dt.timedelta(seconds=3)
    clock.measure()
    assert not clock.is_wrong
    ledger.close()


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_clock_that_jumps_for_a_moment_changes_nothing(sqlite: Ledger, jump: dt.timedelta) -> None:
    host = Host()
    clock = host.clock(sqlite)
    clock.measure()
    assert clock() == NOON
    host.wall += jump
    for second in range(1, 15):
        host.pass_(1)
        clock.measure()
        assert clock.is_wrong
        assert clock() == NOON + dt.timedelta(seconds=second)
    host.wall -= jump
    clock.measure()
    assert not clock.is_wrong
    assert clock() == NOON + dt.timedelta(seconds=14)


def test_a_clock_that_stays_changed_counts_as_right_unless_another_process_disagrees(sqlite: Ledger) -> None:
    host, other = Host(), Host()
    mine, theirs = host.clock(sqlite), other.clock(sqlite)
    mine.measure()
    host.wall += DAY
    for _ in range(60):
        host.pass_(1)
        other.pass_(1)
        theirs.measure()
        mine.measure()
        assert mine.is_wrong
        assert not theirs.is_wrong
    for _ in range(int(SETTLES) + 6):
        host.pass_(1)
        mine.measure()
    assert not mine.is_wrong
    assert mine() == host.wall


def test_what_was_planned_while_the_clock_was_ahead_is_brought_forward_when_it_is_set_back(sqlite: Ledger) -> None:
    bench, host = Bench(sqlite), Host()
    clock = host.clock(sqlite)
    host.wall += DAY
    clock.measure()  # the first record of a new ledger: the clock is taken at its word
    bench.clock.now = host.wall
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    host.wall -= DAY
    for _ in range(int(SETTLES) + 2):
        host.pass_(1)
        clock.measure()
    assert not clock.is_wrong
    bench.clock.now, bench.partner.mood = host.wall, "well"
    bench.work_for(60)
    assert [one.article_id for one in bench.partner.got] == ["spasms"]


def test_what_is_planned_for_places_and_operations_is_brought_forward_too(sqlite: Ledger) -> None:
    now = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    operation = Operation("op_1", "publish", "citewire publish", now + DAY)
    known = {"type": "directory", "location": "/out", "format": "rss", "settings": b"{}", "since": now}
    with sqlite.write() as transaction:
        operations.begin(transaction, operation)
        places.save(transaction, Place(key="a", channel="a", state="in-force", check_due=now + DAY, **known))  # type: ignore[arg-type]
        set_back(transaction, DAY, now=now)
        place, kept = places.find(transaction, "a"), operations.find(transaction, "op_1")
    assert place is not None
    assert place.check_due == now
    assert kept is not None
    assert kept.state(now + operations.ALIVE) == "interrupted"
    sqlite.close()


def test_the_time_can_be_asked_for_first_inside_a_transaction_that_writes(sqlite: Ledger) -> None:
    host = Host()
    host.clock(sqlite).measure()
    host.pass_(3600)
    with sqlite.write() as transaction:
        begun = time.monotonic()
        assert host.clock(sqlite)() == host.wall
        assert time.monotonic() - begun < BUSY_TIMEOUT / 2  # it waits for no lock, which this transaction holds
        transaction.execute(sa.text("SELECT 1"))


def test_a_host_that_starts_with_a_clock_before_the_ledgers_time_waits(sqlite: Ledger) -> None:
    Host(boot="one").clock(sqlite).measure()
    host = Host(boot="two", wall=dt.datetime(1970, 1, 1, 0, 1, tzinfo=dt.UTC), up=60)
    clock = host.clock(sqlite)
    clock.measure()
    assert clock.is_wrong
    assert clock() >= NOON
    host.wall = NOON + DAY
    clock.measure()
    assert not clock.is_wrong


def test_no_lease_in_any_table_outlasts_the_longest(ledger: Ledger) -> None:
    """Each row leased until tomorrow, as a worker with a clock a day ahead left it, is worked on now."""
    bench = Bench(ledger)
    bench.publish(article(pmids=("1",)))
    bench.work()
    bench.publish(article(text="Stretch.", pmids=("1",)))
    with ledger.write() as transaction:
        for table in metadata.tables.values():
            if "leased_until" in table.c:
                tomorrow = {"lease": "lease_of_a_worker_ahead", "leased_until": bench.clock() + DAY}
                transaction.execute(sa.update(table).values(**tomorrow))
        leases.acquire(transaction, "sweep", token="x", now=bench.clock() + DAY, seconds=1)
    assert sweep(bench.context)
    bench.work_for(30)
    assert bench.partner.last("spasms").rendition.body.startswith(b"2|Stretch.")


def test_a_rest_of_more_than_a_day_is_over(ledger: Ledger) -> None:
    now = NOON
    with ledger.write() as transaction:
        assert leases.acquire(transaction, "prune", token="x", now=now + 3 * DAY, seconds=300)
        leases.release(transaction, "prune", token="x", not_before=now + 3 * DAY)
        assert leases.is_free(transaction, "prune", now=now)
        assert leases.acquire(transaction, "prune", token="y", now=now, seconds=300)


def test_a_batch_of_tomorrow_does_not_count_as_being_sent(ledger: Ledger) -> None:
    bench = Bench(ledger)
    for name in "abcd":
        bench.publish(article(name))
    bench.work()
    for name in "abcd":
        bench.publish(article(name, text="Stretch."))
    with ledger.write() as transaction:
        for number, name in enumerate("abc"):
            row = sa.update(deliveries).where(deliveries.c.article == name)
            transaction.execute(row.values(lease=f"lease_{number}", leased_until=bench.clock() + DAY))
    bench.work()
    assert {one.article_id for one in bench.partner.got if one.revision == 2} == set("abcd")
    assert not deliver.claim(bench.context, "partner")
