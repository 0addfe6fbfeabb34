"""When the day of an article's next review has passed: the operator is told, readers are told, or it is held."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from bench import article
from msgspec import structs
from watched import Watched, publish

from pipeline.ledger import Ledger
from pipeline.ledger.attention import facts
from pipeline.model.policy import ReviewPolicy
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions import formats
from pipeline.stages.attention import attention
from pipeline.stages.context import Policy
from pipeline.stages.obligations import Obligations
from pipeline.stages.stage import drain

DAY = dt.date(2026, 3, 2)
LATER = dt.date(2027, 3, 2)


def reviewed(ledger: Ledger, policy: ReviewPolicy = "notify") -> Watched:
    bench = Watched(ledger, policy=Policy(overdue_review=policy))
    publish(bench, next_review=DAY)
    return bench


def pass_to(bench: Watched, day: dt.date) -> None:
    bench.clock.now = dt.datetime.combine(day, dt.time(1), dt.UTC)
    drain(bench.context, Obligations())
    bench.work_for(2)


def told(bench: Watched) -> list[str]:
    with bench.ledger.read() as transaction:
        found = attention(facts(transaction, ["partner"], now=bench.clock.now))
    return [one.what for one in found if one.kind == "review-overdue"]


def test_the_operator_is_told_from_the_day_after_until_the_article_has_another_day(ledger: Ledger) -> None:
    bench = reviewed(ledger)
    pass_to(bench, DAY)
    assert told(bench) == []
    pass_to(bench, DAY + dt.timedelta(days=1))
    assert told(bench) == ["1 article is overdue for review, spasms since 2026-03-02"]
    assert bench.got() == [(1, "published")]
    publish(bench, next_review=LATER)
    assert told(bench) == []


def test_an_article_is_held_from_the_moment_at_which_its_day_ends(ledger: Ledger) -> None:
    bench = reviewed(ledger, "hold")
    bench.clock.now = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
    drain(bench.context, Obligations())
    ends = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    for now, state in ((ends - dt.timedelta(microseconds=1), "live"), (ends, "withdrawn")):
        bench.clock.now = now
        drain(bench.context, Obligations())
        bench.work_for(2)
        assert bench.article().state == state


def test_readers_are_told_once_by_the_next_revision(ledger: Ledger) -> None:
    bench = reviewed(ledger, "mark")
    pass_to(bench, DAY + dt.timedelta(days=1))
    pass_to(bench, DAY + dt.timedelta(days=2))
    assert bench.got() == [(1, "published"), (2, "updated")]
    publish(bench, next_review=LATER)
    pass_to(bench, DAY + dt.timedelta(days=3))
    assert bench.got()[2:] == [(3, "updated")]


def test_a_held_article_comes_back_with_a_new_day_or_when_it_is_released(ledger: Ledger) -> None:
    bench = reviewed(ledger, "hold")
    pass_to(bench, DAY + dt.timedelta(days=1))
    assert bench.article().state == "withdrawn"
    assert b"its review was due on 2026-03-02" in bench.receivers["partner"].last("spasms").rendition.body
    bench.release()
    pass_to(bench, DAY + dt.timedelta(days=2))
    assert bench.article().state == "live"
    pass_to(bench, LATER)
    publish(bench, next_review=LATER + dt.timedelta(days=1))
    assert [event for _, event in bench.got()] == ["published", "withdrawn", "published", "updated"]
    pass_to(bench, LATER + dt.timedelta(days=2))
    assert bench.article().state == "withdrawn"


def test_an_article_that_is_published_late_is_judged_the_same(ledger: Ledger) -> None:
    bench = Watched(ledger, policy=Policy(overdue_review="hold"))
    bench.clock.now = dt.datetime.combine(LATER, dt.time(), dt.UTC)
    publish(bench, next_review=DAY)
    assert bench.article().state == "withdrawn"


def test_another_policy_takes_effect_by_itself(ledger: Ledger) -> None:
    bench = reviewed(ledger)
    pass_to(bench, DAY + dt.timedelta(days=1))
    bench.context = replace(bench.context, policy=replace(bench.context.policy, overdue_review="hold"))
    pass_to(bench, DAY + dt.timedelta(days=2))
    assert bench.article().state == "withdrawn"


@pytest.mark.parametrize("name", formats())
def test_every_format_says_that_the_review_is_overdue(name: str) -> None:
    at = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    revision = Revision(article=article(next_review=DAY), number=2, published=at, updated=at)
    site = Site(title="Notes", url="https://notes.example.org", publisher="Example", disclaimer="Ask.")
    render = formats()[name].render
    assert b"Review overdue since" not in render(revision, site)
    assert b"Review overdue since" in render(structs.replace(revision, overdue=True), site)
