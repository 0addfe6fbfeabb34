"""A channel that comes later gets what was published before it; one that went is forgotten by an operator's word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench import START, Bench, Receiver, article, topic

from pipeline.ledger import Ledger, deliveries
from pipeline.model.policy import Gate
from pipeline.stages.acts import Act
from pipeline.stages.deliver.fill import fill

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)

ACT = Act("op_fill", "citewire channels fill", START)


def with_a_new_channel(ledger: Ledger, **changes: object) -> Bench:
    bench = Bench(ledger)
    for name in ("a", "b"):
        bench.publish(article(name, topics=(topic("gout"),) if name == "a" else ()))
    bench.publish(article("gone"))
    bench.work()
    bench.withdraw("gone")
    bench.work()
    plan = replace(bench.context.channels["partner"], id="new", open=lambda: bench.receivers["new"], **changes)  # type: ignore[arg-type]
    bench.receivers["new"] = Receiver()
    object.__setattr__(bench.context, "channels", {**bench.context.channels, "new": plan})
    return bench


def test_it_gets_the_live_articles_and_no_withdrawn_one(ledger: Ledger) -> None:
    bench = with_a_new_channel(ledger)
    assert fill(bench.context, bench.context.channels["new"], act=ACT) == 2
    bench.work()
    assert [(one.article_id, one.event) for one in bench.receivers["new"].got] == [
        ("a", "published"),
        ("b", "published"),
    ]


@ON_SQLITE
def test_to_fill_it_again_changes_nothing(ledger: Ledger) -> None:
    bench = with_a_new_channel(ledger)
    fill(bench.context, bench.context.channels["new"], act=ACT)
    assert fill(bench.context, bench.context.channels["new"], act=ACT) == 0


@ON_SQLITE
def test_its_filter_and_its_gate_stand(ledger: Ledger) -> None:
    bench = with_a_new_channel(ledger, topics=frozenset({"gout"}))
    assert fill(bench.context, bench.context.channels["new"], act=ACT) == 1
    strict = replace(bench.context.channels["new"], id="strict", topics=frozenset(), gate=Gate(min_resolved=3))
    assert fill(bench.context, strict, act=ACT) == 0


@ON_SQLITE
def test_a_format_that_is_newer_than_the_articles_is_rendered(ledger: Ledger) -> None:
    bench = with_a_new_channel(ledger, format="later")
    later = replace(bench.context.formats["plain"], name="later")
    object.__setattr__(bench.context, "formats", {**bench.context.formats, "later": later})
    assert fill(bench.context, bench.context.channels["new"], act=ACT) == 2
    bench.work()
    assert len(bench.receivers["new"].got) == 2


@ON_SQLITE
def test_only_what_changed_since(ledger: Ledger) -> None:
    bench = with_a_new_channel(ledger)
    bench.clock.pass_(3600)
    since = bench.clock.now
    bench.publish(article("b", text="Mended."))
    object.__setattr__(bench.context, "channels", {"partner": bench.context.channels["partner"]})
    plan = replace(bench.context.channels["partner"], id="new")
    bench.work()
    assert fill(bench.context, plan, since=since, act=ACT) == 1


def test_what_is_owed_to_a_channel_that_left_is_named_and_can_be_given_up(ledger: Ledger) -> None:
    bench = with_a_new_channel(ledger)
    fill(bench.context, bench.context.channels["new"], act=ACT)
    with ledger.write() as transaction:
        assert deliveries.outstanding_elsewhere(transaction, ["partner"]) == {"new": 2}
        assert deliveries.forget(transaction, "new", now=bench.clock.now).given_up == 2
        assert deliveries.outstanding_elsewhere(transaction, ["partner"]) == {}
