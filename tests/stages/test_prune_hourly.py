"""prune runs once an hour in the whole site, whatever the number of workers, and again soon after a failure."""

from __future__ import annotations

import datetime as dt

import pytest
from bench import Bench, article
from msgspec import structs

from pipeline.ledger import Ledger, deliveries, leases
from pipeline.ledger.deliveries import attempts
from pipeline.stages.prune import EVERY, Prune
from pipeline.stages.sweep import sweep

prune = Prune()


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return Bench(ledger)


def tried(bench: Bench) -> int:
    with bench.ledger.read() as transaction:
        (delivery,) = deliveries.of_article(transaction, "spasms")
        return len(attempts.of(transaction, delivery.id, limit=100))


def rung(bench: Bench) -> bool:
    bench.bells.rung.clear()
    assert sweep(bench.context)
    bench.clock.pass_(1)
    return ("prune", "") in bench.bells.rung


def test_old_attempts_are_deleted_hourly_and_the_last_one_is_kept(bench: Bench) -> None:
    for text in ("one", "two", "three"):
        bench.publish(article(text=text))
        bench.work_for(1)
    assert tried(bench) == 3
    assert rung(bench)
    prune.drain(bench.context)
    assert (tried(bench), rung(bench)) == (3, False)
    bench.clock.now += dt.timedelta(days=bench.context.policy.keep_attempts)
    assert rung(bench)
    assert prune.drain(bench.context) == 1
    assert tried(bench) == 1


def test_one_worker_at_a_time_prunes_and_the_next_one_an_hour_later(bench: Bench) -> None:
    (claim,) = prune.claim(bench.context)
    assert prune.claim(bench.context) == []
    assert not rung(bench)
    prune.do(bench.context, claim)
    bench.clock.now += EVERY - dt.timedelta(seconds=2)
    assert prune.claim(bench.context) == []
    bench.clock.pass_(2)
    assert len(prune.claim(bench.context)) == 1


def test_a_worker_killed_while_pruning_is_followed_by_another_within_minutes(bench: Bench) -> None:
    bench.die(prune)
    bench.clock.pass_(299)
    assert not rung(bench)
    bench.clock.pass_(1)
    assert rung(bench)


def test_a_failure_is_tried_again_later_and_later(bench: Bench) -> None:
    pauses = []
    for _ in range(3):
        (claim,) = prune.claim(bench.context)
        prune.failed(bench.context, claim, RuntimeError("no room on the disk"))
        before = bench.clock.now
        while not rung(bench):
            pass
        pauses.append((bench.clock.now - before).total_seconds())
    assert pauses == sorted(set(pauses))
    with bench.ledger.read() as transaction:
        assert leases.failures(transaction, "prune") == 3


def test_a_lost_lease_changes_nothing(bench: Bench) -> None:
    """A worker that was slow must not take away the hour of the one that came after it."""
    (slow,) = prune.claim(bench.context)
    bench.clock.pass_(301)
    (other,) = prune.claim(bench.context)
    prune.failed(bench.context, structs.replace(slow), RuntimeError("late"))
    assert prune.claim(bench.context) == []
    prune.do(bench.context, other)
    assert prune.claim(bench.context) == []
