"""What every stage has to do is asked of the ledger in one statement, and is counted in rows where there are rows."""

from __future__ import annotations

import datetime as dt

from bench import Bench, WithoutFeeds, article

from benchmarks.statements import counted
from pipeline.ledger import Ledger, leases
from pipeline.ledger.claims import Due, read_due
from pipeline.stages.backlog import backlogs
from pipeline.stages.flow import STAGES


def looked(bench: Bench) -> dict[str, Due]:
    with bench.ledger.read() as transaction:
        return backlogs(bench.context, transaction, bench.clock.now)


def test_every_stage_is_in_its_place_with_what_is_due(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    for number in range(3):
        bench.publish(article(f"article-{number}", pmids=["1", "2"]))
    bench.clock.pass_(60)
    found = looked(bench)
    assert list(found) == [stage.name for stage in STAGES]
    assert (found["render"].count, found["enrich"].count) == (3, 2)
    assert found["render"].oldest is not None and found["render"].oldest <= bench.clock.now
    assert found["deliver"] == Due(0)
    assert found["refresh"] == Due(0), "what is to be rendered for the first time is not to be rendered again"


def test_what_is_due_later_is_not_counted_but_has_its_time(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    later = looked(bench)["deliver"]
    assert later.count == 0 and later.oldest is not None and later.oldest > bench.clock.now


def test_stages_that_work_on_rows_share_one_statement(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    with bench.ledger.read() as transaction, counted() as asked:
        rows = {one.name: one.due_rows(bench.context, bench.clock.now) for one in STAGES}
        read_due(transaction, {name: found for name, found in rows.items() if found is not None})
    assert asked.statements == 1
    assert {name for name, found in rows.items() if found is None} == {"sources", "refresh", "places", "reconcile"}


def test_a_stage_that_rests_has_nothing_due(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    now = bench.clock.now
    assert looked(bench)["prune"].count == 1
    with ledger.write() as transaction:
        leases.acquire(transaction, "prune", token="one", now=now, seconds=60)
        leases.release(transaction, "prune", token="one", not_before=now + dt.timedelta(hours=1))
    assert looked(bench)["prune"].count == 0
