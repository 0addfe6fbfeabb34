"""An action on many articles concerns exactly those that were shown, goes on after a kill, and says what it skipped."""

from __future__ import annotations

from collections import Counter

import pytest
from bench import Bench, WithoutFeeds, article
from msgspec import structs

from pipeline.errors import InvalidEvent, TransientError
from pipeline.ledger import Ledger, Transaction, articles, bulk, operations
from pipeline.ledger.articles import searching, withheld
from pipeline.ledger.articles.searching import Wanted
from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.ledger.bulk import Action, Chosen
from pipeline.stages import prune
from pipeline.stages.accept.undo import undo
from pipeline.stages.bulk import Bulk, portions
from pipeline.stages.bulk.starting import Prepared, prepare, prepared, start
from pipeline.stages.stage import drain

NAMES = [f"a{number}" for number in range(5)]
stage = Bulk()


@pytest.fixture
def bench(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Five live articles, dealt with two at a time."""
    monkeypatch.setattr(portions, "PORTION", 2)
    bench = WithoutFeeds(ledger, "partner", "other")
    for name in NAMES:
        bench.publish(article(name))
    bench.work_for(3)
    return bench


def look(bench: Bench, action: Action, by: str = "root", **wanted: object) -> Prepared:
    def matching(transaction: Transaction) -> list[Chosen]:
        return [Chosen(*one) for one in searching.every(transaction, Wanted(**wanted))]  # type: ignore[arg-type]

    return prepare(bench._intake(), action, matching, by=by)


def begin(bench: Bench, action: Action, reason: str | None = None, **wanted: object) -> str:
    return start(bench._intake(), look(bench, action, **wanted).one.operation, by="root", reason=reason).id


def outcomes(bench: Bench, operation: str) -> dict[str, int]:
    with bench.ledger.read() as transaction:
        return dict(operations.outcomes(transaction, operation))


def test_what_came_later_is_left_alone_and_what_was_changed_is_skipped_and_named(bench: Bench) -> None:
    seen = look(bench, "withdraw", state="live")
    assert {(one.channel, one.articles) for one in seen.holders} == {(None, 5), ("partner", 5), ("other", 5)}
    bench.publish(article("late"))
    bench.publish(article("a1", text="Edited."))
    bench.withdraw("a2")
    start(bench._intake(), seen.one.operation, by="root", reason="A dose was wrong.")
    drain(bench.context, stage)
    bench.work_for(3)
    assert {name: bench.article(name).state for name in ("late", "a0", "a1", "a2")} == {
        "late": "live", "a0": "withdrawn", "a1": "live", "a2": "withdrawn",
    }  # fmt: skip
    assert outcomes(bench, seen.one.operation) == {"withdrawn": 3, "overtaken": 2}
    with bench.ledger.read() as transaction:
        parts = {one.article: one for one in operations.parts_of(transaction, seen.one.operation)}
        operation = operations.find(transaction, seen.one.operation)
        assert bulk.find(transaction, seen.one.operation) is None
    assert parts["a1"].reason == "it was changed since: it is at revision 2 and was at 1"
    assert parts["a0"].reason == "A dose was wrong."
    assert operation is not None
    assert (operation.kind, operation.planned, operation.state(bench.clock())) == ("withdraw", 5, "done")
    assert bench.partner.last("a0").event == "withdrawn"
    assert undo(bench._intake(), seen.one.operation, by="root").overtaken == ()
    assert {bench.article(name).state for name in ("a0", "a3", "a4")} == {"live"}


@pytest.mark.parametrize("killed_after", ["claim", "commit"])
def test_a_process_that_is_killed_loses_and_repeats_nothing(bench: Bench, killed_after: str) -> None:
    operation = begin(bench, "withdraw", "Wrong.")
    for _ in range(4):
        (claim,) = stage.claim(bench.context)
        if killed_after == "commit":
            stage.do(bench.context, claim)
        bench.clock.pass_(61)  # the lease of a process that is gone
        with bench.ledger.read() as transaction:
            recorded = operations.find(transaction, operation)
        assert recorded is not None
        if recorded.ended:
            break
        assert recorded.state(bench.clock()) == "running"
    drain(bench.context, stage)
    assert outcomes(bench, operation) == {"withdrawn": 5}
    assert {bench.article(name).revision for name in NAMES} == {2}


def test_a_process_that_lost_its_claim_changes_nothing(bench: Bench) -> None:
    operation = begin(bench, "publish-again")
    (late,) = stage.claim(bench.context)
    bench.clock.pass_(61)
    drain(bench.context, stage)
    before = outcomes(bench, operation)
    stage.do(bench.context, late)
    assert outcomes(bench, operation) == before == {"updated": 5}


def test_deliveries_that_were_given_up_are_made_again_and_later_ones_are_not(bench: Bench) -> None:
    bench.partner.mood = "gone"
    for name in NAMES[:2]:
        bench.publish(article(name, text="Again."))
    bench.work_for(3)
    seen = look(bench, "replay", trouble=True)
    assert seen.one.count == 2
    bench.clock.pass_(1)
    with bench.ledger.write() as transaction:
        (failed,) = [one for one in _abandoned(transaction) if one == "a1"]
        _fail_again(transaction, failed, bench)
    bench.partner.mood = "well"
    start(bench._intake(), seen.one.operation, by="root")
    drain(bench.context, stage)
    with bench.ledger.read() as transaction:
        parts = {one.article: one for one in operations.parts_of(transaction, seen.one.operation)}
    assert (parts["a0"].outcome, parts["a0"].channel) == ("replayed", "partner")
    assert (parts["a1"].outcome, parts["a1"].reason) == ("left-out", "nothing of it was given up")


def _abandoned(transaction: Transaction) -> list[str]:
    from pipeline.ledger import deliveries

    return [one.article for one in deliveries.search(transaction, state="abandoned", channel=None, limit=10)]


def _fail_again(transaction: Transaction, name: str, bench: Bench) -> None:
    import sqlalchemy as sa

    from pipeline.ledger.tables import deliveries

    transaction.execute(sa.update(deliveries).where(deliveries.c.article == name).values(changed=bench.clock()))


def test_articles_are_published_again_with_the_same_text(bench: Bench) -> None:
    bench.withdraw("a2")
    bench.work_for(2)
    operation = begin(bench, "publish-again")
    drain(bench.context, stage)
    bench.work_for(3)
    assert outcomes(bench, operation) == {"updated": 4, "left-out": 1}
    assert {bench.article(name).rendered for name in NAMES if name != "a2"} == {2}
    with pytest.raises(InvalidEvent, match="published again"):
        undo(bench._intake(), operation, by="root")


def test_held_articles_are_released(bench: Bench) -> None:
    hold = Withheld(
        channel=EVERYWHERE, cause="hold", reason="retracted", references=(), revision=1, since=bench.clock()
    )
    with bench.ledger.write() as transaction:
        withheld.put(transaction, "a0", hold)
        withheld.put(transaction, "a1", structs.replace(hold, channel="partner", cause="gate"))
    operation = begin(bench, "release")
    drain(bench.context, stage)
    assert outcomes(bench, operation) == {"released": 1, "left-out": 4}


def test_an_article_that_cannot_be_dealt_with_keeps_none_of_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = portions.publish_again

    def publish_again(transaction: Transaction, current: articles.ArticleState, now: object) -> int:
        if current.id == "a3":
            raise RuntimeError("a fault of ours")
        return really(transaction, current, now)  # type: ignore[arg-type]

    monkeypatch.setattr(portions, "publish_again", publish_again)
    operation = begin(bench, "publish-again")
    for _ in range(20):
        drain(bench.context, stage)
        bench.clock.pass_(60)
    assert outcomes(bench, operation) == {"updated": 4, "refused": 1}


def test_a_ledger_that_does_not_answer_is_no_reason_to_skip_an_article(bench: Bench) -> None:
    operation = begin(bench, "publish-again")
    for _ in range(10):
        (claim,) = stage.claim(bench.context)
        stage.failed(bench.context, claim, TransientError("it does not answer", code="ledger-unreachable"))
        bench.clock.pass_(301)
    drain(bench.context, stage)
    assert outcomes(bench, operation) == {"updated": 5}


def test_several_take_turns(bench: Bench) -> None:
    first, second = begin(bench, "publish-again"), begin(bench, "replay")
    for _ in range(2):
        bench.clock.pass_(1)
        (claim,) = stage.claim(bench.context)
        stage.do(bench.context, claim)
    assert Counter(bool(outcomes(bench, one)) for one in (first, second)) == {True: 2}


def test_only_who_looked_at_it_may_start_it_and_only_within_the_hour(bench: Bench) -> None:
    seen = look(bench, "replay")
    with pytest.raises(InvalidEvent) as refused:
        start(bench._intake(), seen.one.operation, by="somebody else")
    assert refused.value.code == "not-prepared"
    newer = look(bench, "replay")
    with pytest.raises(InvalidEvent):
        prepared(bench._intake(), seen.one.operation)
    with pytest.raises(InvalidEvent, match="is empty"):
        start(bench._intake(), look(bench, "withdraw", by="other").one.operation, by="other", reason=" ")
    bench.clock.pass_(3_601)
    with pytest.raises(InvalidEvent):
        start(bench._intake(), newer.one.operation, by="root")
    prune.prune_others(bench.context)
    with bench.ledger.read() as transaction:
        assert bulk.find(transaction, newer.one.operation) is None


def test_nothing_is_prepared_where_nothing_matches(bench: Bench) -> None:
    with pytest.raises(InvalidEvent) as refused:
        look(bench, "replay", words="nothing of the kind")
    assert refused.value.code == "nothing-matches"
