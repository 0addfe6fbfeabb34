"""A round: what it costs, whom it leaves out, and that a channel that hangs holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from bench import PLAIN, POLICY, START, Bench, Receiver, Store, article
from every_stage import deliver, enrich, render
from waiting import until

from benchmarks.statements import counted
from pipeline.errors import TransientError
from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.articles import withheld
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.deliveries import attempts, channels
from pipeline.ledger.deliveries import rounds as ledger_rounds
from pipeline.ledger.tables import deliveries as table
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.revision import Withdrawal
from pipeline.model.site import Site
from pipeline.stages.context import ChannelPlan
from pipeline.stages.deliver import in_rounds, senders
from pipeline.stages.deliver.in_rounds import Rounds
from pipeline.stages.deliver.shared import Shared
from pipeline.stages.deliver.taken_back import taken_back, taken_back_from_many
from pipeline.stages.stage import drain
from pipeline.stages.sweep import sweep

MANY = 40
PATIENT = replace(POLICY, deliver_look=600.0)  # however slow the machine is, no turn comes too late


def of(ledger: Ledger, count: int = MANY) -> Bench:
    """A bench of channels that have all answered, an hour ago."""
    bench = Bench(ledger, *(f"channel-{number:02}" for number in range(count)), policy=PATIENT)
    plans = {name: replace(plan, singly=True) for name, plan in bench.context.channels.items()}
    object.__setattr__(bench.context, "channels", plans)
    published(bench, "first")
    for name in bench.receivers:
        deliver.drain(bench.context, name)
    bench.clock.pass_(3600)
    return bench


def published(bench: Bench, name: str = "spasms") -> None:
    bench.publish(article(name))
    drain(bench.context, enrich)
    drain(bench.context, render)
    bench.bells.rung.clear()


def states(bench: Bench, name: str = "spasms") -> dict[str, str]:
    with bench.ledger.read() as transaction:
        return {one.channel: one.state for one in deliveries.of_article(transaction, name)}


def got(bench: Bench, name: str = "spasms") -> dict[str, int]:
    return {id: sum(parcel.article_id == name for parcel in receiver.got) for id, receiver in bench.receivers.items()}


def forget(bench: Bench, *names: str) -> None:
    """Have the ledger know nothing of these channels, as if they were new."""
    with bench.ledger.write() as transaction:
        for name in names:
            channels.forget(transaction, name)


def tell(bench: Bench, channel: str, **plan: object) -> None:
    plans = dict(bench.context.channels)
    plans[channel] = replace(plans[channel], **plan)  # type: ignore[arg-type]
    object.__setattr__(bench.context, "channels", plans)


class Hanging(Receiver):
    """A channel that answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let_go = threading.Event(), threading.Event()

    def deliver(self, parcel: Parcel) -> Receipt:
        self.reached.set()
        assert self.let_go.wait(60)
        return super().deliver(parcel)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return of(ledger, 5)


def test_an_article_for_many_channels_costs_a_few_statements_not_a_few_for_each(ledger: Ledger) -> None:
    bench = of(ledger)
    published(bench)
    with counted() as count:
        assert deliver.drain(bench.context) == MANY
    assert set(got(bench).values()) == {1}
    assert set(states(bench).values()) == {"delivered"}
    assert count.statements < 2 * MANY
    assert count.writes < MANY / 2


def test_a_round_that_all_answer_is_claimed_once_and_settled_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_rounds, "_EVERY", 60.0)  # a busy machine's answers may be further apart than usually
    published(bench)
    with counted() as count:
        assert Rounds(bench.context).run() == 5
    assert set(states(bench).values()) == {"delivered"}
    assert (count.writing, count.writes) == (2, 2)  # the last look, which finds nothing, keeps no writer waiting


def test_what_becomes_due_during_a_round_is_sent_after_it(bench: Bench) -> None:
    published(bench)
    hanging = bench.receivers["channel-02"] = Hanging()
    rounds = Rounds(bench.context)
    running = threading.Thread(target=rounds.run)
    running.start()
    try:
        assert hanging.reached.wait(60)
        bench.publish(article(text="Walk after meals."))
        drain(bench.context, enrich)
        drain(bench.context, render)
    finally:
        hanging.let_go.set()
        running.join(60)
    assert rounds.count >= 6  # at least the channel that hung, once more
    assert states(bench)["channel-02"] == "delivered"
    assert [parcel.revision for parcel in hanging.got] == [1, 2]


def test_a_round_looks_at_no_more_channels_than_it_needs(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = of(ledger)
    monkeypatch.setattr(in_rounds, "SIZE", 4)
    monkeypatch.setattr(in_rounds, "_LEAST", 4)
    published(bench)
    named = []

    def asking(_connection: object, _cursor: object, statement: str, parameters: Sequence[object], *_: object) -> None:
        if "channels.answered" in statement:
            named.append(sum(isinstance(one, str) and one.startswith("channel-") for one in values_of(parameters)))

    sa.event.listen(sa.Engine, "before_cursor_execute", asking)
    try:
        assert Rounds(bench.context).run() == MANY
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", asking)
    assert set(got(bench).values()) == {1}
    first, *others = named
    assert first == MANY
    assert len(others) > 3
    assert max(others) <= 8


def values_of(parameters: Sequence[object] | Mapping[str, object]) -> list[object]:
    return list(parameters.values() if isinstance(parameters, Mapping) else parameters)


def test_a_withdrawal_from_many_channels_costs_a_few_statements_not_a_few_for_each(ledger: Ledger) -> None:
    bench = of(ledger)
    bench.withdraw("first")
    with counted() as count:
        assert deliver.drain(bench.context, ":withdrawals") == MANY
    assert set(states(bench, "first").values()) == {"delivered"}
    assert count.statements < 2 * MANY
    assert count.writes < MANY / 2


class Shelf(Store):
    """A store that counts how often something is taken from it."""

    def __init__(self, held: Mapping[str, bytes]) -> None:
        super().__init__()
        self.held.update(held)
        self.taken: list[str] = []

    def get(self, digest: str, size: int | None = None) -> bytes | None:
        self.taken.append(digest)
        return super().get(digest, size)


def test_what_many_channels_are_sent_is_read_and_written_once_for_a_round(ledger: Ledger) -> None:
    bench, tombstones = of(ledger), []

    def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
        tombstones.append(withdrawal)
        return PLAIN.tombstone(withdrawal, site)

    published(bench)
    shelf = Shelf(bench.store.held)
    object.__setattr__(bench.context, "store", shelf)
    object.__setattr__(bench.context, "formats", {"plain": replace(PLAIN, tombstone=tombstone)})
    assert Rounds(bench.context).run() == MANY
    assert len(shelf.taken) == 1
    bench.withdraw("first")
    assert Rounds(bench.context, withdrawals=True).run() == MANY
    assert len(tombstones) == 1
    bodies = {parcel.rendition.body for receiver in bench.receivers.values() for parcel in receiver.got[-1:]}
    assert len(bodies) == 1


def test_what_cannot_be_made_for_the_first_is_tried_for_the_next() -> None:
    shared, asked = Shared(), []

    def made() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise TransientError("the rendition store does not answer", code="store-unreachable")
        return len(asked)

    with pytest.raises(TransientError):
        shared.once("it", made)
    assert [shared.once("it", made) for _ in range(3)] == [2, 2, 2]
    assert shared.once("other", lambda: 5) == 5


def test_each_channel_is_given_its_own_reason_for_a_withdrawal(bench: Bench) -> None:
    bench.withdraw("first")
    own = Withheld(channel="channel-01", cause="gate", reason="Too old.", references=(), revision=2, since=START)
    with bench.ledger.write() as transaction:
        withheld.put(transaction, "first", own)
        found = [one for one in deliveries.of_article(transaction, "first") if one.channel != "channel-02"]
        together = taken_back_from_many(transaction, found)
        assert together == {one.id: taken_back(transaction, one, START) for one in found}
        assert taken_back_from_many(transaction, found[:1]) == {}
    assert {one.channel for one in found if together[one.id].withdrawal.reason == "Too old."} == {"channel-01"}


def test_each_attempt_and_the_health_of_each_channel_are_recorded(bench: Bench) -> None:
    published(bench)
    deliver.drain(bench.context)
    with bench.ledger.read() as transaction:
        for row in deliveries.of_article(transaction, "spasms"):
            (only,) = attempts.of(transaction, row.id, limit=10)
            assert (only.outcome, row.attempts, row.due) == ("delivered", 1, None)
            assert channels.health(transaction, row.channel).answered == bench.clock.now


def test_a_channel_that_hangs_holds_up_none_of_the_others(bench: Bench) -> None:
    hanging = bench.receivers["channel-03"] = Hanging()
    published(bench)
    work = threading.Thread(target=deliver.drain, args=(bench.context,))
    work.start()
    try:
        assert hanging.reached.wait(60)
        others_have_it = ["delivered"] * 4 + ["sending"]
        until(lambda: sorted(states(bench).values()) == others_have_it, 50, what=lambda: str(states(bench)))
        published(bench, "second")
        deliver.drain(bench.context)  # as the next doorbell has another thread do
        assert sorted(states(bench, "second").values()) == ["delivered"] * 4 + ["pending"]
    finally:
        hanging.let_go.set()
        work.join()
    deliver.drain(bench.context)
    assert set(got(bench, "second").values()) == set(got(bench).values()) == {1}


def test_a_failure_opens_no_new_attempt_in_a_round_and_costs_only_its_own_channel(bench: Bench) -> None:
    bench.receivers["channel-01"].mood = "down"
    published(bench)
    deliver.drain(bench.context)
    bench.clock.pass_(3600)
    deliver.drain(bench.context)
    assert len([one for one in bench.receivers["channel-01"].tried if one.article_id == "spasms"]) == 1
    assert states(bench) == dict.fromkeys(bench.receivers, "delivered") | {"channel-01": "pending"}
    assert ("deliver", "channel-01") in bench.bells.rung


@pytest.mark.parametrize("plan", [{"rate": 5.0}, {"every": 60.0}, {"wait_for_feeds": True}, {"singly": False}])
def test_a_channel_with_a_pace_of_its_own_is_rung_for_instead(bench: Bench, plan: dict[str, object]) -> None:
    tell(bench, "channel-02", **plan)
    published(bench)
    deliver.drain(bench.context)
    assert states(bench)["channel-02"] == "pending"
    assert bench.bells.rung == [("deliver", "channel-02")]


def test_a_paused_and_a_disabled_channel_are_left_out(bench: Bench) -> None:
    with bench.ledger.write() as transaction:
        channels.pause(transaction, "channel-00", reason="a holiday", now=bench.clock.now)
        channels.keep(transaction, "channel-01", channels.Health(disabled=bench.clock.now))
    published(bench)
    deliver.drain(bench.context)
    assert got(bench) == dict.fromkeys(bench.receivers, 1) | {"channel-00": 0, "channel-01": 0}


def test_channels_that_never_answered_cost_no_more_than_others(ledger: Ledger) -> None:
    bench = of(ledger)
    forget(bench, *bench.receivers)
    published(bench)
    with counted() as count:
        assert deliver.drain(bench.context) == MANY
    assert set(got(bench).values()) == {1}
    assert not bench.bells.rung
    assert count.statements < 2 * MANY
    assert count.writes < MANY / 2
    with bench.ledger.read() as transaction:
        assert all(channels.health(transaction, id).answered for id in bench.receivers)


def test_channels_that_never_answered_and_hang_take_no_more_than_their_threads(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "UNTRIED", 2)
    monkeypatch.setattr(in_rounds, "_STUCK", 0.2)
    object.__setattr__(bench.context, "policy", replace(POLICY, deliver_look=1.0))
    names = ["channel-00", "channel-01"]
    hanging = [Hanging(), Hanging()]
    bench.receivers.update(zip(names, hanging, strict=True))
    published(bench)
    forget(bench, *names, "channel-02")
    work = threading.Thread(target=deliver.drain, args=(bench.context,))
    work.start()
    try:
        assert all(one.reached.wait(60) for one in hanging)
        others = {"channel-03", "channel-04"}
        until(lambda: {states(bench)[id] for id in others} == {"delivered"}, 50, what=lambda: str(states(bench)))
        until(lambda: ("deliver", "channel-02") in bench.bells.rung, 50, what=lambda: str(bench.bells.rung))
        deliver.drain(bench.context, "channel-02")
        assert states(bench)["channel-02"] == "delivered"
    finally:
        for one in hanging:
            one.let_go.set()
        work.join()
    assert set(got(bench).values()) == {1}


def test_a_channel_that_fails_at_its_first_delivery_is_left_to_batches(bench: Bench) -> None:
    forget(bench, *bench.receivers)
    bench.receivers["channel-01"].mood = "down"
    published(bench)
    deliver.drain(bench.context)
    assert states(bench) == dict.fromkeys(bench.receivers, "delivered") | {"channel-01": "pending"}
    bench.clock.pass_(3600)
    deliver.drain(bench.context)
    assert ("deliver", "channel-01") in bench.bells.rung


def test_a_withdrawal_goes_before_what_else_is_due(bench: Bench) -> None:
    published(bench, "second")
    bench.withdraw("first")
    bench.bells.rung.clear()
    deliver.drain(bench.context)
    for receiver in bench.receivers.values():
        assert [(one.article_id, one.event) for one in receiver.got][1:] == [
            ("first", "withdrawn"),
            ("second", "published"),
        ]


def test_nothing_overtakes_a_withdrawal_that_is_outstanding(bench: Bench) -> None:
    bench.withdraw("first")
    published(bench, "second")
    (claim,) = deliver.claim(bench.context, "channel-00")  # another worker has the withdrawal
    deliver.drain(bench.context)
    assert [one.article_id for one in bench.receivers["channel-00"].got] == ["first"]
    assert [one.article_id for one in bench.receivers["channel-01"].got] == ["first", "first", "second"]
    deliver.do(bench.context, claim)
    deliver.drain(bench.context)
    assert [one.article_id for one in bench.receivers["channel-00"].got] == ["first", "first", "second"]


def test_a_revision_that_comes_while_one_is_sent_follows_it(bench: Bench) -> None:
    hanging = bench.receivers["channel-03"] = Hanging()
    published(bench)
    work = threading.Thread(target=deliver.drain, args=(bench.context,))
    work.start()
    assert hanging.reached.wait(60)
    bench.publish(article("spasms", text="Move."))
    drain(bench.context, render)
    hanging.let_go.set()
    work.join()
    deliver.drain(bench.context)
    assert [one.revision for one in hanging.got if one.article_id == "spasms"] == [1, 2]
    assert states(bench)["channel-03"] == "delivered"


def test_what_a_killed_worker_was_sending_is_left_to_batches_and_sent_under_the_same_id(bench: Bench) -> None:
    published(bench)
    with bench.ledger.write() as transaction:
        claimed = ledger_rounds.claim(transaction, bench.receivers, token="killed", now=bench.clock.now, seconds=45)
    assert len(claimed) == 5
    bench.clock.pass_(60)
    deliver.drain(bench.context)
    assert set(got(bench).values()) == {0}
    assert {key for _, key in bench.bells.rung} == set(bench.receivers)
    bench.work()
    assert set(got(bench).values()) == {1}
    with bench.ledger.read() as transaction:
        for row in deliveries.of_article(transaction, "spasms"):
            assert [one.outcome for one in attempts.of(transaction, row.id, limit=10)] == ["delivered", "interrupted"]


def test_a_channel_whose_turn_comes_too_late_again_and_again_is_left_to_batches(bench: Bench) -> None:
    object.__setattr__(bench.context, "policy", replace(POLICY, deliver_look=-1.0))
    published(bench)
    assert deliver.drain(bench.context) == 0
    assert {key for _, key in bench.bells.rung} == set(bench.receivers)
    object.__setattr__(bench.context, "policy", PATIENT)
    bench.work()
    assert set(got(bench).values()) == {1}


def test_what_could_not_be_sent_in_time_is_put_back_as_it_was(bench: Bench) -> None:
    object.__setattr__(bench.context, "policy", replace(POLICY, deliver_look=-1.0, drain_seconds=0.0))
    published(bench)
    rounds = Rounds(bench.context)
    rounds._begin()
    assert rounds._sending == 5
    while rounds._sending or rounds._done:
        rounds._collect()
    assert rounds.count == 0
    with bench.ledger.read() as transaction:
        for row in deliveries.of_article(transaction, "spasms"):
            assert (row.state, row.attempts, row.due) == ("pending", 0, bench.clock.now)
    object.__setattr__(bench.context, "policy", PATIENT)
    assert deliver.drain(bench.context) == 5


def test_one_doorbell_is_for_all_channels_that_rounds_may_send_to(bench: Bench) -> None:
    tell(bench, "channel-02", rate=5.0)
    bench.publish(article())
    drain(bench.context, enrich)
    bench.bells.rung.clear()
    drain(bench.context, render)
    assert [bell for bell in bench.bells.rung if bell[0] == "deliver"] == [("deliver", ""), ("deliver", "channel-02")]
    bench.bells.rung.clear()
    sweep(bench.context)
    assert {bell for bell in bench.bells.rung if bell[0] == "deliver"} == {("deliver", ""), ("deliver", "channel-02")}


def test_a_doorbell_for_withdrawals_sends_nothing_else(bench: Bench) -> None:
    published(bench)
    bench.withdraw("first")
    assert ("deliver", ":withdrawals") in bench.bells.rung
    deliver.drain(bench.context, ":withdrawals")
    assert set(states(bench, "first").values()) == {"delivered"}
    assert set(states(bench).values()) == {"pending"}


def test_a_channel_with_a_backlog_is_rung_for_and_sent_batches(bench: Bench) -> None:
    for number in range(5):
        published(bench, f"one-{number}")
    tell(bench, "channel-03", singly=False)
    deliver.drain(bench.context)
    assert {key for _, key in bench.bells.rung} == set(bench.receivers)
    bench.work()
    assert set(got(bench, "one-4").values()) == {1}


def test_what_fails_after_it_was_sent_counts_as_attempted(bench: Bench) -> None:
    class Breaking(Receiver):
        def close(self) -> None:
            raise RuntimeError("a channel with a fault in it")

    bench.receivers["channel-03"] = Breaking()
    published(bench)
    deliver.drain(bench.context)
    bench.withdraw()
    assert states(bench) == dict.fromkeys(bench.receivers, "pending")  # the withdrawal, for each


def test_a_delivery_that_takes_long_to_build_is_left_to_a_batch(bench: Bench) -> None:
    published(bench)
    get, late = bench.store.get, threading.Event()

    def slow(digest: str, size: int | None = None) -> bytes | None:
        late.wait(0.02)
        return get(digest, size)

    bench.store.get = slow  # type: ignore[method-assign]
    object.__setattr__(bench.context, "policy", replace(POLICY, deliver_look=0.01))
    deliver.drain(bench.context)
    assert set(states(bench).values()) == {"pending"}
    object.__setattr__(bench.context, "policy", PATIENT)
    bench.work()
    assert set(got(bench).values()) == {1}


def test_channels_to_which_something_is_being_sent_take_no_place_in_a_round(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(bench)
    busy = ["channel-00", "channel-01"]
    with bench.ledger.write() as transaction:  # as another process does, to which they do not answer
        ledger_rounds.claim(transaction, busy, token="another", now=bench.clock.now, seconds=45)
    published(bench, "second")
    monkeypatch.setattr(in_rounds, "SIZE", 2)
    deliver.drain(bench.context)
    assert got(bench, "second") == dict.fromkeys(bench.receivers, 1) | dict.fromkeys(busy, 0)
    assert not bench.bells.rung


def test_a_withdrawal_that_is_not_due_and_blocks_its_channel_is_left_to_batches(bench: Bench) -> None:
    bench.withdraw("first")
    published(bench, "second")
    with bench.ledger.write() as transaction:
        mine = (table.c.channel == "channel-00", table.c.article == "first")
        transaction.execute(sa.update(table).where(*mine).values(due=bench.clock.now.replace(year=2027)))
    deliver.drain(bench.context)
    assert bench.bells.rung == [("deliver", "channel-00")]
    deliver.drain(bench.context, "channel-00")
    assert [one.article_id for one in bench.receivers["channel-00"].got] == ["first", "first", "second"]


def test_an_answer_that_the_ledger_does_not_take_keeps_none_of_the_others_from_being_settled(bench: Bench) -> None:
    class Strange(Receiver):
        def deliver(self, parcel: Parcel) -> Receipt:
            return replace(super().deliver(parcel), remote_id="\ud800")  # no database takes half a character

    bench.receivers["channel-01"] = Strange()
    published(bench)
    object.__setattr__(bench.context, "pause", lambda seconds: None)
    with pytest.raises(UnicodeEncodeError):
        deliver.drain(bench.context)
    assert states(bench) == dict.fromkeys(bench.receivers, "delivered") | {"channel-01": "sending"}


def test_a_channel_that_is_removed_while_a_round_is_claimed_is_sent_to_as_it_was(bench: Bench) -> None:
    class Changing(Mapping[str, ChannelPlan]):
        """Channels in force, of which another thread removes one as soon as a claim has been committed."""

        def __init__(self) -> None:
            self.plans = dict(bench.context.channels)

        def refresh(self, transaction: object) -> None:
            return

        def __getitem__(self, key: str) -> ChannelPlan:
            if any(state == "sending" for state in states(bench).values()):
                self.plans.pop("channel-04", None)
            return self.plans[key]

        def __iter__(self) -> Iterator[str]:
            return iter(self.plans)

        def __len__(self) -> int:
            return len(self.plans)

    published(bench)
    object.__setattr__(bench.context, "channels", Changing())
    assert deliver.drain(bench.context) == 5
    assert set(got(bench).values()) == {1}
