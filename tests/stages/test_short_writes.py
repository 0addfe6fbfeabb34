"""A stage that has done what is due does not keep the ledger's writers waiting with a claim of nothing."""

from __future__ import annotations

import sqlalchemy as sa
from bench import Bench, article
from every_stage import enrich, feeds, render

from pipeline.ledger import Ledger
from pipeline.stages.stage import Stage, drain


def of_one_article(ledger: Ledger) -> Bench:
    bench = Bench(ledger, "partner")
    bench.work()
    bench.clock.pass_(60)
    bench.publish(article())
    drain(bench.context, enrich)
    return bench


def times_claimed(bench: Bench, stage: Stage) -> int:
    """Return how many transactions a drain begins for its claims, which need not last, whether or not they find any."""
    claimed = 0

    def beginning(connection: sa.Connection) -> None:
        nonlocal claimed
        options = connection.get_execution_options()
        claimed += options.get("citewire_write", False) and not options["citewire_lasting"]

    sa.event.listen(sa.Engine, "begin", beginning)
    try:
        assert drain(bench.context, stage)
    finally:
        sa.event.remove(sa.Engine, "begin", beginning)
    return claimed


def test_an_article_that_comes_alone_is_claimed_once_and_so_are_its_feeds(ledger: Ledger) -> None:
    bench = of_one_article(ledger)
    assert times_claimed(bench, render) == 1
    assert times_claimed(bench, feeds) == 1
    assert bench.due().isdisjoint({"render", "feeds"})


def test_articles_beyond_a_batch_are_claimed_in_the_same_drain(ledger: Ledger) -> None:
    bench = of_one_article(ledger)
    for number in range(bench.context.policy.render_batch):
        bench.publish(article(f"further-{number}"))
    assert times_claimed(bench, render) == 2
    assert "render" not in bench.due()
