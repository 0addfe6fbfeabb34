from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog
from bench import PLAIN, Bench, Mood, WithoutFeeds, article
from every_stage import deliver, render

from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.deliveries import Delivery
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.rendition import Format
from pipeline.stages.context import Policy
from pipeline.stages.stage import drain


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger)


def delivery_of(bench: Bench, article_id: str = "spasms") -> Delivery:
    with bench.ledger.read() as transaction:
        (one,) = deliveries.of_article(transaction, article_id)
    return one


def refusing(bench: Bench, refuses: Callable[[Parcel], bool], mood: Mood = "refuses") -> None:
    """Have the partner refuse these parcels, or fail in another way for them, and accept all others."""
    deliver_any = bench.partner.deliver

    def picky(parcel: Parcel) -> Receipt:
        bench.partner.mood = mood if refuses(parcel) else "well"
        return deliver_any(parcel)

    bench.partner.deliver = picky  # type: ignore[method-assign]


def state_of(bench: Bench, article_id: str) -> str:
    return delivery_of(bench, article_id).state


def test_every_attempt_at_one_revision_carries_the_same_id(bench: Bench) -> None:
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work_for(60)
    bench.partner.mood = "well"
    bench.work_for(600, step=10)
    assert len({one.message_id for one in bench.partner.tried}) == 1
    assert len(bench.partner.tried) > 2
    assert len(bench.partner.got) == 1


def test_the_next_revision_carries_another_id(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.publish(article(text="Move."))
    bench.work()
    assert len({one.message_id for one in bench.partner.got}) == 2


def test_a_killed_workers_delivery_is_sent_after_its_lease(bench: Bench) -> None:
    bench.publish(article())
    bench.work_for(0)
    bench.publish(article(text="Move."))
    drain(bench.context, render)
    bench.die(deliver, "partner")
    bench.work_for(40, step=5)
    assert bench.partner.last("spasms").revision == 1
    bench.work_for(20, step=5)
    assert bench.partner.last("spasms").revision == 2


def test_a_second_worker_finds_nothing_to_do(bench: Bench) -> None:
    bench.publish(article())
    drain(bench.context, render)
    first = deliver.claim(bench.context, "partner")
    assert len(first) == 1
    assert deliver.claim(bench.context, "partner") == []


def test_a_worker_that_lost_its_lease_sends_nothing(bench: Bench) -> None:
    bench.publish(article())
    drain(bench.context, render)
    (slow,) = deliver.claim(bench.context, "partner")
    bench.clock.pass_(60)
    bench.work()
    assert deliver.do(bench.context, slow) is True
    assert len(bench.partner.tried) == 1


def test_a_newer_revision_that_comes_while_one_is_sent_follows_it(bench: Bench) -> None:
    bench.publish(article(text="one"))
    drain(bench.context, render)
    (claim,) = deliver.claim(bench.context, "partner")
    bench.publish(article(text="two"))
    drain(bench.context, render)
    deliver.do(bench.context, claim)
    bench.work()
    assert [one.revision for one in bench.partner.got] == [2]


def without_number(bench: Bench) -> None:
    """A revision that reverts an edit has the same bytes as the one before that edit."""
    plain = Format("plain", "text/plain", "plain", lambda one, _: one.article.answer.encode(), PLAIN.tombstone)
    bench.context = replace(bench.context, formats={"plain": plain})


def test_what_is_taken_back_while_it_is_sent_is_sent_as_it_was_before(bench: Bench) -> None:
    without_number(bench)
    bench.publish(article(text="one"))
    bench.work()
    original = bench.partner.deliver

    def overtaken(parcel):  # type: ignore[no-untyped-def]
        bench.partner.deliver = original  # type: ignore[method-assign]
        bench.publish(article(text="one"))
        drain(bench.context, render)
        return original(parcel)

    bench.partner.deliver = overtaken  # type: ignore[method-assign]
    bench.publish(article(text="two"))
    bench.work_for(60)
    assert [one.rendition.body for one in bench.partner.got] == [b"one", b"two", b"one"]
    assert (delivery_of(bench).state, delivery_of(bench).delivered_revision) == ("delivered", 3)


def test_what_a_withdrawal_may_have_taken_away_is_sent_again(bench: Bench) -> None:
    without_number(bench)
    bench.publish(article(text="one"))
    bench.work()
    bench.partner.mood = "down"  # or it did it, and its answer was lost
    bench.withdraw()
    bench.work()
    bench.partner.mood = "well"
    bench.publish(article(text="one"))
    bench.work_for(60)
    assert [(one.revision, one.rendition.body) for one in bench.partner.got] == [(1, b"one"), (3, b"one")]


def test_a_refusal_is_tried_again_by_its_own_schedule_and_is_a_dead_letter_after_it(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=(5.0,)))
    bench.partner.mood = "refuses"
    bench.publish(article())
    bench.work()
    assert (delivery_of(bench).state, delivery_of(bench).attempts, delivery_of(bench).error) == (
        "pending",
        1,
        "refused: 400",
    )
    bench.work_for(10)
    assert (delivery_of(bench).state, delivery_of(bench).attempts, delivery_of(bench).error) == (
        "abandoned",
        2,
        "refused: 400",
    )


def test_without_a_schedule_of_refusals_a_refusal_is_a_dead_letter_at_once(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=()))
    bench.partner.mood = "refuses"
    bench.publish(article())
    bench.work()
    assert (delivery_of(bench).state, delivery_of(bench).attempts) == ("abandoned", 1)


def test_a_refusal_of_five_seconds_ends_neither_a_correction_nor_a_withdrawal(bench: Bench) -> None:
    for name in ("corrected", "withdrawn"):
        bench.publish(article(name))
    bench.work()
    bench.partner.mood = "refuses"
    bench.publish(article("corrected", text="Mended."))
    bench.withdraw("withdrawn")
    bench.work_for(5)
    bench.partner.mood = "well"
    bench.work_for(60)
    assert bench.partner.last("corrected").rendition.body.startswith(b"2|Mended.")
    assert bench.partner.last("withdrawn").event == "withdrawn"


def test_the_next_success_after_an_outage_tries_again_what_was_given_up_in_it(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(retries=(1.0, 1.0)))
    bench.partner.mood = "refuses"
    bench.publish(article("given-up"))
    bench.work_for(60)
    assert state_of(bench, "given-up") == "abandoned"
    bench.partner.mood = "well"
    bench.publish(article("later"))
    bench.work_for(2)
    assert (state_of(bench, "later"), state_of(bench, "given-up")) == ("delivered", "delivered")


def test_what_waits_for_hours_after_an_outage_is_due_with_the_next_success(bench: Bench) -> None:
    bench.partner.mood = "refuses"
    bench.publish(article("waits"))
    bench.work_for(4 * 3600, step=300)
    bench.partner.mood = "well"
    bench.publish(article("later"))
    bench.work_for(2)
    assert (state_of(bench, "later"), state_of(bench, "waits")) == ("delivered", "delivered")


def test_an_article_that_alone_is_refused_is_not_tried_with_every_success_of_the_others(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=(1.0, 1.0)))
    refusing(bench, lambda parcel: parcel.article_id == "unwanted")
    bench.publish(article("unwanted"))
    for number in range(20):
        bench.publish(article(f"article-{number}"))
        bench.work_for(1)
    assert state_of(bench, "unwanted") == "abandoned"
    assert len([one for one in bench.partner.tried if one.article_id == "unwanted"]) <= 4


def test_a_delivery_is_tried_again_after_an_outage_only_so_often(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=()))
    refusing(bench, lambda parcel: parcel.article_id == "unwanted")
    bench.publish(article("unwanted"))
    for number in range(deliveries.MOST_ATTEMPTS + 3):
        bench.publish(article(f"article-{number}"))
        bench.work_for(60, step=60)
    assert len([one for one in bench.partner.tried if one.article_id == "unwanted"]) == deliveries.MOST_ATTEMPTS


def test_a_refused_withdrawal_does_not_hold_up_its_channel(bench: Bench) -> None:
    bench.publish(article("wrong"))
    bench.work()
    bench.withdraw("wrong")
    bench.publish(article("right"))
    refusing(bench, lambda parcel: parcel.event == "withdrawn")
    bench.work_for(3)
    assert bench.partner.last("right").event == "published"
    assert len([one for one in bench.partner.tried if one.event == "withdrawn"]) <= 2


def test_the_operator_is_told_of_a_refusal_at_the_first_and_once(bench: Bench) -> None:
    bench.partner.mood = "refuses"
    with structlog.testing.capture_logs() as logs:
        for number in range(3):
            bench.publish(article(f"article-{number}"))
            bench.work_for(60, step=5)
    assert [one["error"] for one in logs if one["event"] == "channel refuses"] == ["refused: 400"]


def test_after_the_last_attempt_it_is_a_dead_letter(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(retries=(1.0, 1.0)))
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work_for(120)
    assert (delivery_of(bench).state, delivery_of(bench).attempts) == ("abandoned", 3)


def test_a_dead_letter_gets_a_second_chance(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=()))
    bench.partner.mood = "refuses"
    bench.publish(article())
    bench.work()
    bench.partner.mood = "well"
    with bench.ledger.write() as transaction:
        replayed = deliveries.replay(transaction, now=bench.clock.now, id=delivery_of(bench).id)
        assert [one.channel for one in replayed] == ["partner"]
    bench.work()
    assert (delivery_of(bench).state, len(bench.partner.got)) == ("delivered", 1)


def test_a_later_revision_goes_to_a_channel_that_refused_an_earlier_one(bench: Bench) -> None:
    bench.partner.mood = "refuses"
    bench.publish(article())
    bench.work()
    bench.partner.mood = "well"
    bench.publish(article(text="Mended."))
    bench.work()
    assert bench.partner.last("spasms").revision == 2


def test_a_channel_that_fails_again_and_again_rests(bench: Bench) -> None:
    bench.partner.mood = "down"
    for number in range(30):
        bench.publish(article(f"article-{number}"))
    bench.work()
    assert len(bench.partner.tried) == 3
    bench.work()
    assert len(bench.partner.tried) == 3


def test_after_its_rest_one_delivery_tries_it_and_then_all_go(bench: Bench) -> None:
    bench.partner.mood = "down"
    for number in range(30):
        bench.publish(article(f"article-{number}"))
    bench.work_for(20)
    bench.partner.mood = "well"
    bench.work_for(60)
    assert len({one.article_id for one in bench.partner.got}) == 30


def test_retry_after_is_honoured(bench: Bench) -> None:
    bench.partner.mood, bench.partner.retry_after = "down", 90.0
    bench.publish(article())
    bench.work()
    bench.partner.mood = "well"
    bench.work_for(85, step=5)
    assert bench.partner.got == []
    bench.work_for(20, step=5)
    assert len(bench.partner.got) == 1


def test_a_withdrawal_goes_first_once_the_channel_answers_again(bench: Bench) -> None:
    bench.publish(article("wrong"))
    bench.work()
    bench.partner.mood = "down"
    for number in range(40):
        bench.publish(article(f"article-{number}"))
    bench.work_for(5)
    bench.withdraw("wrong")
    bench.work_for(30)
    bench.partner.mood = "well"
    bench.work_for(90)
    after = [one for one in bench.partner.got if one.article_id != "wrong" or one.event != "published"]
    assert (after[0].article_id, after[0].event) == ("wrong", "withdrawn")
    assert len({one.article_id for one in after}) == 41


def test_a_withdrawal_supersedes_what_is_pending(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.partner.mood = "down"
    bench.publish(article(text="Worse."))
    bench.work()
    bench.withdraw()
    bench.partner.mood = "well"
    bench.work_for(30)
    assert [(one.revision, one.event) for one in bench.partner.got] == [(1, "published"), (3, "withdrawn")]


def test_a_withdrawal_goes_to_nobody_who_never_saw_the_article(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article())
    bench.withdraw()
    bench.work_for(5)
    assert bench.partner.tried == []


def test_a_failed_attempt_counts_as_having_been_seen(bench: Bench) -> None:
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.partner.mood = "well"
    bench.work_for(30)
    assert [one.event for one in bench.partner.got] == ["withdrawn"]


def test_a_refused_withdrawal_is_among_the_dead_letters_in_the_end_and_goes_on_hourly(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=(1.0,)))
    bench.publish(article())
    bench.work()
    bench.partner.mood = "refuses"
    bench.withdraw()
    bench.work_for(5)
    assert delivery_of(bench).state == "abandoned"
    bench.partner.mood = "well"
    bench.work_for(3600, step=600)
    assert (delivery_of(bench).state, bench.partner.got[-1].event) == ("delivered", "withdrawn")


def test_a_withdrawal_that_one_article_cannot_deliver_does_not_block_its_channel_for_ever(bench: Bench) -> None:
    bench.publish(article("wrong"))
    bench.work()
    bench.withdraw("wrong")
    bench.publish(article("right"))
    refusing(bench, lambda parcel: parcel.event == "withdrawn", mood="down")
    bench.work_for(2 * 3600, step=120)
    assert bench.partner.last("right").event == "published"


def test_a_withdrawal_that_a_fault_keeps_back_is_not_tried_without_a_pause(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.partner.mood = "broken"
    bench.partner.tried.clear()
    bench.work()
    assert len(bench.partner.tried) == 1
    bench.work_for(60)
    assert len(bench.partner.tried) < 10
    bench.work_for(2 * 3600, step=60)  # then it holds nothing up any more
    bench.partner.mood = "well"
    bench.publish(article("other"))
    bench.work()
    assert bench.partner.last("other").event == "published"
    bench.work_for(120)
    assert (delivery_of(bench).state, delivery_of(bench).delivered_event) == ("delivered", "withdrawn")


def test_an_endpoint_that_is_gone_disables_its_channel_for_all_but_withdrawals(bench: Bench) -> None:
    bench.publish(article("held"))
    bench.work()
    bench.partner.mood = "gone"
    bench.publish(article("a"))
    bench.work()
    tried = len(bench.partner.tried)
    bench.publish(article("b"))
    bench.work_for(10)
    assert len(bench.partner.tried) == tried
    assert delivery_of(bench, "b").state == "abandoned"
    bench.partner.mood = "well"
    bench.withdraw("held")
    bench.work_for(10)
    assert bench.partner.got[-1].event == "withdrawn"


def test_a_channel_with_a_fault_in_it_puts_the_delivery_off_and_says_why(bench: Bench) -> None:
    bench.partner.mood = "broken"
    bench.publish(article())
    bench.work()
    assert delivery_of(bench).error == "RuntimeError: a channel with a fault in it"
    bench.partner.mood = "well"
    bench.work_for(60)
    assert delivery_of(bench).state == "delivered"


def test_a_rendition_that_the_store_has_lost_is_made_again(bench: Bench) -> None:
    bench.publish(article())
    drain(bench.context, render)
    bench.store.held.clear()
    bench.work()
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|"


def test_one_dead_channel_delays_no_other(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, "dead", "well")
    bench.receivers["dead"].mood = "down"
    for number in range(10):
        bench.publish(article(f"article-{number}"))
    bench.work()
    assert len(bench.receivers["well"].got) == 10


def test_a_withdrawal_arrives_within_minutes_of_a_partners_return_however_long_it_was_away(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.partner.mood = "down"
    bench.withdraw()
    bench.work_for(4 * 3600, step=120)
    bench.partner.mood = "well"
    bench.work_for(150, step=5)
    assert bench.partner.got[-1].event == "withdrawn"


def test_a_withdrawal_is_never_given_up_while_it_is_a_matter_of_time(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(retries=(1.0,)))
    bench.publish(article())
    bench.work()
    bench.partner.mood = "down"
    bench.withdraw()
    bench.work_for(3600, step=30)
    assert delivery_of(bench).state == "pending"
