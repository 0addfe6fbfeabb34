"""A batch on its way: what it costs, what it looks at, and what becomes of the rest of it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
import sqlalchemy as sa
import structlog
from bench import POLICY, Bench, Receiver, article
from every_stage import deliver, enrich, render
from every_stage import feeds as feeds_stage

from pipeline.errors import CitewireError, ConfigError, PermanentError, TransientError
from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.deliveries import Delivery, attempts, channels
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.context import Policy
from pipeline.stages.prune import prune
from pipeline.stages.stage import drain


@dataclass
class Opened(Receiver):
    """A channel that counts how often it was opened, and calls a function after each parcel."""

    times: int = 0
    after: Callable[[Parcel], None] = lambda parcel: None

    def deliver(self, parcel: Parcel) -> Receipt:
        receipt = super().deliver(parcel)
        self.after(parcel)
        return receipt


@dataclass
class Digest(Receiver):
    """A channel that takes a batch in one go."""

    batches: list[list[str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    loses_count: bool = False

    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        self.batches.append([parcel.article_id for parcel in parcels])
        if self.mood == "down":
            raise TransientError("503", code="http-503", status=503)
        answers: list[Receipt | CitewireError] = [
            PermanentError("no") if parcel.article_id in self.refused else self.deliver(parcel) for parcel in parcels
        ]
        return answers[1:] if self.loses_count else answers


ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)  # what does not hang on the database


def stocked(ledger: Ledger, count: int, *, receiver: Receiver | None = None, policy: Policy = POLICY) -> Bench:
    """Return a channel with this many outstanding articles."""
    bench = Bench(ledger, policy=policy)
    if receiver is not None:
        bench.receivers["partner"] = receiver
    for number in range(count):
        bench.publish(article(f"article-{number:02}"))
    drain(bench.context, enrich)
    drain(bench.context, render)
    return bench


def planned(bench: Bench, **changes: object) -> None:
    plan = replace(bench.context.channels["partner"], **changes)  # type: ignore[arg-type]
    object.__setattr__(bench.context, "channels", {"partner": plan})


def delivery_of(bench: Bench, name: str) -> Delivery:
    with bench.ledger.read() as transaction:
        (one,) = deliveries.of_article(transaction, name)
    return one


def states(bench: Bench) -> set[str]:
    with bench.ledger.read() as transaction:
        return {one.state for one in deliveries.search(transaction, state=None, channel="partner", limit=1000)}


def test_a_batch_costs_the_ledger_a_few_statements_not_a_few_for_each_row(ledger: Ledger) -> None:
    bench = stocked(ledger, 40)
    statements = []

    def count(*given: object) -> None:
        statements.append(given[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        deliver.drain(bench.context, "partner")
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    assert len(bench.partner.got) == 40
    assert len(statements) < 40


@ON_SQLITE
def test_one_opened_channel_serves_batch_after_batch(ledger: Ledger) -> None:
    opened = []
    bench = stocked(ledger, 7, policy=Policy(deliver_batch=2))
    original = bench.context.channels["partner"].open
    planned(bench, open=lambda: opened.append(1) or original())
    deliver.drain(bench.context, "partner")
    assert (len(opened), len(bench.partner.got)) == (1, 7)


@ON_SQLITE
def test_after_a_failure_the_channel_is_opened_anew(ledger: Ledger) -> None:
    opened = []
    bench = stocked(ledger, 2)
    bench.partner.mood = "down"
    original = bench.context.channels["partner"].open
    planned(bench, open=lambda: opened.append(1) or original())
    deliver.drain(bench.context, "partner")
    assert (len(opened), len(bench.partner.tried)) == (2, 2)


@ON_SQLITE
def test_a_channel_that_cannot_be_opened_rests_like_one_that_does_not_answer(ledger: Ledger) -> None:
    def missing() -> Receiver:
        raise ConfigError("the environment variable X is not set", key="channels.partner.secret")

    bench = stocked(ledger, 5)
    planned(bench, open=missing)
    deliver.drain(bench.context, "partner")
    with ledger.read() as transaction:
        assert channels.health(transaction, "partner").circuit(bench.clock.now) == "open"
    assert "invalid-config" in str(delivery_of(bench, "article-00").error)


@ON_SQLITE
def test_one_fault_in_a_batch_takes_no_other_row_down(ledger: Ledger) -> None:
    class Picky(Receiver):
        def deliver(self, parcel: Parcel) -> Receipt:
            self.mood = "broken" if parcel.article_id == "article-01" else "well"
            return super().deliver(parcel)

    bench = stocked(ledger, 4, receiver=Picky())
    deliver.drain(bench.context, "partner")
    assert [one.article_id for one in bench.partner.got] == ["article-00", "article-02", "article-03"]
    assert delivery_of(bench, "article-01").error == "RuntimeError: a channel with a fault in it"
    with ledger.read() as transaction:
        assert channels.health(transaction, "partner").failures == 0


@ON_SQLITE
def test_what_is_withdrawn_while_its_batch_is_under_way_is_not_sent(ledger: Ledger) -> None:
    receiver = Opened()
    bench = stocked(ledger, 4, receiver=receiver)

    def after(parcel: Parcel) -> None:
        if parcel.article_id == "article-00" and parcel.event == "published":
            bench.withdraw("article-00")
            bench.clock.pass_(1)

    receiver.after = after
    deliver.drain(bench.context, "partner")
    assert [(one.article_id, one.event) for one in receiver.got][:2] == [
        ("article-00", "published"),
        ("article-00", "withdrawn"),
    ]
    assert len(receiver.got) == 5


def test_what_changes_while_its_batch_is_under_way_is_sent_as_it_is_then(ledger: Ledger) -> None:
    receiver = Opened()
    bench = stocked(ledger, 3, receiver=receiver)

    def after(parcel: Parcel) -> None:
        receiver.after = lambda parcel: None
        bench.publish(article("article-02", text="Mended."))
        drain(bench.context, render)
        bench.clock.pass_(1)

    receiver.after = after
    deliver.drain(bench.context, "partner")
    assert [one.revision for one in receiver.got if one.article_id == "article-02"] == [2]


def test_a_batch_that_lost_its_lease_in_the_middle_sends_no_more_of_it(ledger: Ledger) -> None:
    receiver = Opened()
    bench = stocked(ledger, 5, receiver=receiver)

    def after(parcel: Parcel) -> None:
        receiver.after = lambda parcel: None
        bench.clock.pass_(60)
        deliver.drain(bench.context, "partner")

    receiver.after = after
    deliver.drain(bench.context, "partner")
    assert sorted(one.article_id for one in receiver.got) == sorted(
        ["article-00", *(f"article-{number:02}" for number in range(5))]
    )
    assert len({one.message_id for one in receiver.got}) == 5


def test_an_attempt_that_was_begun_and_not_made_does_not_count(ledger: Ledger) -> None:
    bench = stocked(ledger, 6)
    bench.partner.mood = "down"
    deliver.drain(bench.context, "partner")
    counts = [(delivery_of(bench, f"article-{number:02}").attempts) for number in range(6)]
    assert counts == [1, 1, 1, 0, 0, 0]
    bench.withdraw("article-05")
    with ledger.read() as transaction:
        assert deliveries.of_article(transaction, "article-05") == []


@ON_SQLITE
def test_a_killed_workers_batch_is_sent_again_under_the_same_ids(ledger: Ledger) -> None:
    class Killed(BaseException):
        pass

    receiver = Opened()
    bench = stocked(ledger, 3, receiver=receiver)
    before = bench.context.ledger

    class Dead:
        """A ledger that nothing can be written to any more: as far as it is concerned, the worker is dead."""

        def read(self) -> object:
            raise Killed

        write = read

    def after(parcel: Parcel) -> None:
        receiver.after = lambda parcel: None
        object.__setattr__(bench.context, "ledger", Dead())
        raise Killed

    receiver.after = after
    with pytest.raises(Killed):
        deliver.drain(bench.context, "partner")
    object.__setattr__(bench.context, "ledger", before)
    bench.clock.pass_(60)
    deliver.drain(bench.context, "partner")
    assert [one.article_id for one in receiver.got] == ["article-00", "article-00", "article-01", "article-02"]
    assert len({one.message_id for one in receiver.got}) == 3
    assert states(bench) == {"delivered"}


# --- limits of a channel ------------------------------------------------------------------------------------------


def test_a_rate_is_kept_over_all_batches(ledger: Ledger) -> None:
    bench = stocked(ledger, 9)
    planned(bench, rate=2.0)
    for _ in range(10):
        deliver.drain(bench.context, "partner")
        bench.clock.pass_(0.1)
    times = [one.at for one in bench.partner.got]
    apart = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert len(times) == 9
    assert min(apart) >= 0.5


@ON_SQLITE
def test_a_slow_rate_keeps_no_thread_waiting(ledger: Ledger) -> None:
    bench = stocked(ledger, 3)
    planned(bench, rate=0.1)
    deliver.drain(bench.context, "partner")
    assert (len(bench.partner.got), deliver.claim(bench.context, "partner")) == (1, [])
    bench.clock.pass_(10)
    deliver.drain(bench.context, "partner")
    assert len(bench.partner.got) == 2


@ON_SQLITE
def test_what_comes_between_two_batches_goes_together(ledger: Ledger) -> None:
    digest = Digest()
    bench = stocked(ledger, 2, receiver=digest)
    planned(bench, every=3600.0)
    deliver.drain(bench.context, "partner")
    for number in range(60):
        bench.publish(article(f"later-{number:02}"))
    drain(bench.context, render)
    bench.clock.pass_(3000)
    deliver.drain(bench.context, "partner")
    assert len(digest.batches) == 1
    bench.clock.pass_(700)
    deliver.drain(bench.context, "partner")
    assert [len(batch) for batch in digest.batches] == [2, 60]


@ON_SQLITE
def test_a_withdrawal_waits_for_no_batch(ledger: Ledger) -> None:
    bench = stocked(ledger, 2)
    planned(bench, every=3600.0)
    deliver.drain(bench.context, "partner")
    bench.withdraw("article-00")
    deliver.drain(bench.context, "partner")
    assert bench.partner.got[-1].event == "withdrawn"


@ON_SQLITE
def test_a_rendition_that_is_too_large_is_refused_before_it_is_sent(ledger: Ledger) -> None:
    bench = stocked(ledger, 1)
    bench.publish(article("long", text="word " * 100))
    drain(bench.context, render)
    planned(bench, max_bytes=100)
    deliver.drain(bench.context, "partner")
    assert [one.article_id for one in bench.partner.tried] == ["article-00"]
    assert (delivery_of(bench, "long").state, str(delivery_of(bench, "long").error)[:19]) == (
        "abandoned",
        "rendition-too-large",
    )


@ON_SQLITE
def test_a_channel_has_a_schedule_of_its_own(ledger: Ledger) -> None:
    bench = stocked(ledger, 1)
    bench.partner.mood = "down"
    planned(bench, retries=(1.0,))
    for _ in range(3):
        deliver.drain(bench.context, "partner")
        bench.clock.pass_(2)
    assert (delivery_of(bench, "article-00").state, delivery_of(bench, "article-00").attempts) == ("abandoned", 2)


@ON_SQLITE
def test_a_channel_in_doubt_gets_one_batch_at_a_time_and_an_answering_one_its_share(ledger: Ledger) -> None:
    bench = stocked(ledger, 9, policy=Policy(deliver_batch=2))
    first = deliver.claim(bench.context, "partner")
    assert deliver.claim(bench.context, "partner") == []
    deliver.do(bench.context, first[0])
    assert [len(deliver.claim(bench.context, "partner")) for _ in range(4)] == [1, 1, 1, 0]


@ON_SQLITE
def test_a_drain_rings_once_for_help(ledger: Ledger) -> None:
    bench = stocked(ledger, 9, policy=Policy(deliver_batch=2))
    bench.bells.rung.clear()
    deliver.drain(bench.context, "partner")
    assert bench.bells.rung == [("deliver", "partner")]


@ON_SQLITE
def test_a_channel_that_announces_feeds_waits_for_them_but_not_for_ever(ledger: Ledger) -> None:
    bench = stocked(ledger, 1)
    planned(bench, wait_for_feeds=True)
    deliver.drain(bench.context, "partner")
    assert bench.partner.got == []
    drain(bench.context, feeds_stage)
    deliver.drain(bench.context, "partner")
    assert len(bench.partner.got) == 1
    bench.publish(article("next"))
    drain(bench.context, render)
    bench.clock.pass_(31)
    deliver.drain(bench.context, "partner")
    assert len(bench.partner.got) == 2


# --- together -----------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_a_batch_channel_gets_the_whole_batch(ledger: Ledger) -> None:
    digest = Digest(refused={"article-01"})
    bench = stocked(ledger, 3, receiver=digest)
    deliver.drain(bench.context, "partner")
    assert digest.batches == [["article-00", "article-01", "article-02"]]
    assert [delivery_of(bench, f"article-0{number}").state for number in range(3)] == [
        "delivered",
        "pending",
        "delivered",
    ]


@ON_SQLITE
def test_what_a_batch_channel_throws_is_the_end_of_every_parcels_attempt(ledger: Ledger) -> None:
    digest = Digest(mood="down")
    bench = stocked(ledger, 2, receiver=digest)
    deliver.drain(bench.context, "partner")
    assert [str(delivery_of(bench, f"article-0{number}").error) for number in range(2)] == ["http-503: 503"] * 2


@ON_SQLITE
def test_a_batch_channel_that_answers_for_too_few_has_a_fault(ledger: Ledger) -> None:
    bench = stocked(ledger, 2, receiver=Digest(loses_count=True))
    deliver.drain(bench.context, "partner")
    assert str(delivery_of(bench, "article-00").error).startswith("ValueError: 2 parcels were handed over, and 1")


# --- the circuit --------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_the_operator_is_told_once_when_a_circuit_opens_and_once_when_it_closes(ledger: Ledger) -> None:
    bench = stocked(ledger, 10)
    bench.partner.mood = "down"
    with structlog.testing.capture_logs() as logs:
        for _ in range(60):
            deliver.drain(bench.context, "partner")
            bench.clock.pass_(1)
        bench.partner.mood = "well"
        for _ in range(90):
            deliver.drain(bench.context, "partner")
            bench.clock.pass_(1)
    events = [one["event"] for one in logs if one["event"].startswith("channel ")]
    assert events == ["channel opened", "channel closed"]


@ON_SQLITE
def test_a_half_open_circuit_lets_one_through(ledger: Ledger) -> None:
    bench = stocked(ledger, 10)
    bench.partner.mood = "down"
    deliver.drain(bench.context, "partner")
    bench.clock.pass_(2)
    with ledger.read() as transaction:
        assert channels.health(transaction, "partner").circuit(bench.clock.now) == "half-open"
    tried = len(bench.partner.tried)
    deliver.drain(bench.context, "partner")
    assert len(bench.partner.tried) == tried + 1


@ON_SQLITE
def test_a_channel_that_asks_to_be_left_alone_is_left_alone(ledger: Ledger) -> None:
    bench = stocked(ledger, 10)
    bench.partner.mood, bench.partner.retry_after = "down", 30.0
    deliver.drain(bench.context, "partner")
    bench.clock.pass_(29)
    deliver.drain(bench.context, "partner")
    assert len(bench.partner.tried) == 1


# --- what is kept -------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_every_attempt_is_kept_with_the_answer_and_without_what_looks_like_a_secret(ledger: Ledger) -> None:
    class Talkative(Receiver):
        def deliver(self, parcel: Parcel) -> Receipt:
            if self.mood == "down":
                raise TransientError("503", status=503, answer="bad: Authorization: Bearer abcdef123456" + "x" * 2000)
            return Receipt("200 OK", status=200, answer="thank you")

    bench = stocked(ledger, 1, receiver=Talkative(mood="down"))
    deliver.drain(bench.context, "partner")
    bench.partner.mood = "well"
    bench.clock.pass_(10)
    deliver.drain(bench.context, "partner")
    with ledger.read() as transaction:
        second, first = attempts.of(transaction, delivery_of(bench, "article-00").id, limit=10)
    assert (first.outcome, first.status, first.revision) == ("transient", 503, 1)
    assert (second.outcome, second.answer) == ("delivered", "thank you")
    assert first.answer is not None
    assert len(first.answer) <= 1024
    assert "abcdef" not in first.answer


def test_old_attempts_go_in_batches_and_the_last_of_each_delivery_stays(ledger: Ledger) -> None:
    bench = stocked(ledger, 3, policy=Policy(retries=(1.0,) * 9))
    bench.partner.mood = "down"
    for _ in range(40):
        deliver.drain(bench.context, "partner")
        bench.clock.pass_(10)
    tried = len(bench.partner.tried)
    bench.clock.pass_(91 * 86_400)
    assert prune(bench.context, older_than=dt.timedelta(days=90), batch=4) == tried - 3
    with ledger.read() as transaction:
        for number in range(3):
            assert len(attempts.of(transaction, delivery_of(bench, f"article-0{number}").id, limit=10)) == 1


# --- once more ----------------------------------------------------------------------------------------------------


def test_a_partner_that_lost_its_database_gets_everything_since_a_time_under_the_same_ids(ledger: Ledger) -> None:
    bench = stocked(ledger, 2)
    deliver.drain(bench.context, "partner")
    bench.clock.pass_(3600)
    since = bench.clock.now
    bench.publish(article("article-00", text="Mended."))
    bench.publish(article("new"))
    drain(bench.context, render)
    deliver.drain(bench.context, "partner")
    before = {(one.message_id, one.event) for one in bench.partner.got if one.at >= since}
    bench.partner.got.clear()
    with ledger.write() as transaction:
        again = deliveries.replay(transaction, now=bench.clock.now, channel="partner", since=since)
    assert [one.channel for one in again] == ["partner", "partner"]
    deliver.drain(bench.context, "partner")
    assert {(one.message_id, one.event) for one in bench.partner.got} == before


@ON_SQLITE
def test_a_withdrawal_is_sent_once_more_too(ledger: Ledger) -> None:
    bench = stocked(ledger, 1)
    deliver.drain(bench.context, "partner")
    bench.withdraw("article-00")
    deliver.drain(bench.context, "partner")
    with ledger.write() as transaction:
        deliveries.replay(transaction, now=bench.clock.now, channel="partner", since=bench.clock.now)
    deliver.drain(bench.context, "partner")
    assert [one.event for one in bench.partner.got] == ["published", "withdrawn", "withdrawn"]
    assert bench.partner.got[1].message_id == bench.partner.got[2].message_id
