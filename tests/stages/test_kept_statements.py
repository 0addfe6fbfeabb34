"""An article on its way from its event to its channels and feeds is asked for by statements that are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bench import Bench, article, paper, topic
from every_stage import deliver
from sqlalchemy.sql.cache_key import CacheKey, HasCacheKey

from pipeline.ledger import Ledger
from pipeline.stages.bells import EVERY
from pipeline.stages.sweep import sweep

Step = Callable[[Bench, str], object]


def new_statements(monkeypatch: pytest.MonkeyPatch, step: Callable[[], object]) -> list[str]:
    """Return the statements that a step builds: SQLAlchemy makes a key of each, once, when it is first executed."""
    built: list[str] = []
    make = HasCacheKey._generate_cache_key

    def counting(self: HasCacheKey) -> CacheKey | None:
        built.append(str(self))
        return make(self)

    with monkeypatch.context() as patch:
        patch.setattr(HasCacheKey, "_generate_cache_key", counting)
        step()
    return built


def goes_out(bench: Bench, name: str) -> None:
    bench.publish(article(name, pmids=["1", "2"], topics=(topic("pain"),)), time=bench.clock.now)
    bench.work()


def is_edited(bench: Bench, name: str) -> None:
    bench.publish(article("known", text=f"Walk to {name}.", pmids=["1", "3"]), time=bench.clock.now)
    bench.work()


def goes_out_in_a_round(bench: Bench, name: str) -> None:
    bench.publish(article(name, pmids=["1"]), time=bench.clock.now)
    sweep(bench.context)
    deliver.drain(bench.context, EVERY)
    bench.work()


def is_withdrawn_and_returns(bench: Bench, name: str) -> None:
    bench.withdraw("known")
    bench.work()
    bench.publish(article("known", text=name, pmids=["1", "2"]), time=bench.clock.now)
    bench.work()


@pytest.mark.parametrize("way", [goes_out, is_edited, goes_out_in_a_round, is_withdrawn_and_returns])
def test_an_article_costs_no_new_statements(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, way: Step) -> None:
    bench = Bench(ledger, "partner", "other")
    bench.pubmed.papers = {pmid: paper(pmid) for pmid in "123"}
    bench.publish(article("known", pmids=["1", "2"]), time=bench.clock.now)
    bench.work()
    for name in ("first", "second"):  # after these, all that an article needs was needed before
        bench.clock.pass_(60)
        way(bench, name)
    bench.clock.pass_(60)
    assert new_statements(monkeypatch, lambda: way(bench, "third")) == []
    assert all(len(receiver.got) >= 4 for receiver in bench.receivers.values())  # the last one, too


def test_an_idle_sweep_builds_no_statement(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(ledger, "partner", "other")
    goes_out(bench, "known")
    for _ in range(2):
        bench.clock.pass_(60)
        sweep(bench.context)
    bench.clock.pass_(60)
    assert new_statements(monkeypatch, lambda: sweep(bench.context)) == []
