"""Other rules of evidence take effect by themselves, without waiting for the article to change."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from bench import paper
from msgspec import structs
from watched import Watched, publish

from pipeline.ledger import Ledger
from pipeline.model.policy import Gate
from pipeline.model.reference import PartialDate
from pipeline.stages.refresh import Refresh
from pipeline.stages.stage import drain

refresh = Refresh()
NO_RETRACTED = Gate(refuse=("retracted",))


@pytest.fixture
def bench(ledger: Ledger) -> Watched:
    bench = Watched(ledger, "partner", "other")
    bench.know(structs.replace(paper("1"), date=PartialDate(2021)))
    bench.turn("1", "retracted")
    publish(bench, "1")
    return bench


def rule(bench: Watched, channel: str | None = None, **rules: Any) -> None:
    """Put other rules in force, for a channel or for the site."""
    if channel is None:
        object.__setattr__(bench.context, "policy", replace(bench.context.policy, **rules))
    else:
        plan = replace(bench.context.channels[channel], **rules)
        object.__setattr__(bench.context, "channels", {**bench.context.channels, channel: plan})
    look(bench)


def look(bench: Watched) -> None:
    for _ in range(3):
        drain(bench.context, refresh)
        bench.work()
        bench.clock.pass_(1)


def test_a_new_gate_takes_back_what_it_refuses_and_its_end_gives_it_again(bench: Watched) -> None:
    rule(bench, "partner", gate=NO_RETRACTED)
    assert bench.got() == [(1, "published"), (2, "withdrawn")]
    assert bench.got("other") == [(1, "published")]  # which sees no difference
    assert [one["channel"] for one in bench.status()["withheld"]] == ["partner"]
    rule(bench, "partner", gate=Gate())
    assert bench.got()[2:] == [(3, "published")]
    assert bench.status()["withheld"] == []


def test_a_channels_own_hold_begins_and_ends_with_its_setting(bench: Watched) -> None:
    rule(bench, "partner", evidence="hold")
    assert bench.got()[-1][1] == "withdrawn"
    rule(bench, "partner", evidence="annotate")
    assert bench.got()[-1][1] == "published"


def test_the_whole_sites_hold_begins_and_ends_with_its_setting(bench: Watched) -> None:
    rule(bench, evidence="hold")
    assert bench.article().state == "withdrawn"
    assert [bench.got(channel)[-1][1] for channel in ("partner", "other")] == ["withdrawn", "withdrawn"]
    rule(bench, evidence="annotate")
    assert bench.article().state == "live"
    assert [bench.got(channel)[-1][1] for channel in ("partner", "other")] == ["published", "published"]


def test_another_state_to_hold_on_ends_the_hold_on_the_first(bench: Watched) -> None:
    rule(bench, evidence="hold")
    rule(bench, hold_on=("withdrawn",))
    assert bench.article().state == "live"


def test_a_gate_on_age_refuses_at_new_year_what_it_let_pass(bench: Watched) -> None:
    rule(bench, "partner", gate=Gate(newest_within_years=5))
    assert bench.got() == [(1, "published")]
    bench.clock.now = dt.datetime(2027, 1, 1, 0, 0, 5, tzinfo=dt.UTC)
    look(bench)
    assert bench.got()[-1] == (2, "withdrawn")


def test_what_the_rules_do_not_touch_is_looked_at_once_and_sent_to_nobody(bench: Watched) -> None:
    rule(bench, "partner", gate=Gate(refuse=("concern",)))
    assert bench.got() == bench.got("other") == [(1, "published")]
    with bench.ledger.read() as transaction:
        assert list(refresh.due(bench.context, transaction, bench.clock.now + dt.timedelta(days=1))) == []


def test_a_held_article_that_stays_held_is_looked_at_once(bench: Watched) -> None:
    rule(bench, evidence="hold")
    rule(bench, hold_on=("retracted", "concern"))
    assert bench.article().state == "withdrawn"
    with bench.ledger.read() as transaction:
        assert list(refresh.due(bench.context, transaction, bench.clock.now + dt.timedelta(days=1))) == []


def test_a_gate_that_waits_for_the_pending_lets_pass_what_nobody_has(ledger: Ledger) -> None:
    gate = Gate(refuse=("retracted",), refuse_pending=True)
    bench = Watched(ledger, plans={"partner": {"gate": gate, "format": "bare"}})
    publish(bench, "1")
    assert bench.got() == []
    bench.work_for(600, step=20)
    assert bench.got() == [(2, "published")]
