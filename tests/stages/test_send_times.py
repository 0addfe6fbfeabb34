"""How long after the publish each send was made, by channel type, and how much is due at each stage."""

from __future__ import annotations

import datetime as dt

from bench import START, WithoutFeeds, article

from pipeline.ledger import Ledger, figures
from pipeline.stages.backlog import backlogs


def test_sends_are_counted_by_outcome_and_by_how_soon_they_were_made(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article("at-once"))
    bench.work()
    bench.publish(article("late"))
    bench.partner.mood = "down"
    bench.work()
    bench.partner.mood = "well"
    bench.work_for(40)
    with ledger.read() as transaction:
        found = figures.sends(transaction, since=START, bounds=(1.0, 3600.0))
        later = figures.sends(transaction, since=bench.clock() + dt.timedelta(days=1), bounds=(1.0,))
    by_outcome = {one.outcome: one for one in found}
    delivered = by_outcome["delivered"]
    assert (delivered.count, delivered.within) == (2, (1, 2))
    assert 1 < delivered.seconds < 3600
    assert by_outcome["transient"].count >= 1
    assert later == []


def test_every_stage_counts_what_is_due(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)

    def due() -> dict[str, int]:
        with ledger.read() as transaction:
            return {name: one.count for name, one in backlogs(bench.context, transaction, bench.clock()).items()}

    for number in range(3):
        bench.publish(article(f"article-{number}"))
    before = due()
    bench.partner.mood = "down"
    bench.work()
    bench.clock.pass_(3_600)
    after = due()
    assert (before["render"], before["deliver"], before["refresh"]) == (3, 0, 0)
    assert (after["render"], after["deliver"]) == (0, 3)
