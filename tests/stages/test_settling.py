"""What others decide about a delivery while it is being sent stays decided when it is settled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
import sqlalchemy as sa
from bench import Bench, Receiver, WithoutFeeds, article
from every_stage import deliver, render
from structlog.testing import capture_logs

from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.deliveries import Delivery, attempts, channels, repair
from pipeline.ledger.tables import deliveries as table
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.deliver.batch import Sending
from pipeline.stages.deliver.repair import repair_stranded
from pipeline.stages.stage import drain
from pipeline.stages.sweep import sweep


@dataclass
class Slow(Receiver):
    """Something happens while it takes the next parcel of an article."""

    during: dict[str, Callable[[], None]] = field(default_factory=dict)

    def deliver(self, parcel: Parcel) -> Receipt:
        happening = self.during.pop(parcel.article_id, None)
        if happening is None:
            return super().deliver(parcel)
        happening()
        try:
            return super().deliver(parcel)
        finally:
            self.mood = "well"


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = WithoutFeeds(ledger)
    bench.receivers["partner"] = Slow()
    return bench


def slow(bench: Bench) -> Slow:
    assert isinstance(bench.partner, Slow)
    return bench.partner


def one(bench: Bench, article_id: str = "spasms") -> Delivery:
    with bench.ledger.read() as transaction:
        (found,) = deliveries.of_article(transaction, article_id)
    return found


def disable(bench: Bench) -> None:
    """The partner answers 410 once, to another article."""
    before, bench.partner.mood = bench.partner.mood, "gone"
    bench.publish(article("another"))
    drain(bench.context, render)
    deliver.drain(bench.context, "partner")
    bench.partner.mood = before


def replay(bench: Bench) -> None:
    with bench.ledger.write() as transaction:
        channels.enable(transaction, "partner")
        deliveries.replay(transaction, now=bench.clock.now, channel="partner")


def test_what_is_published_while_a_disabled_channel_takes_a_withdrawal_can_be_replayed(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    disable(bench)

    def published_again() -> None:
        bench.publish(article(text="It lives."))
        drain(bench.context, render)
        bench.clock.pass_(4)
        deliver.drain(bench.context, "partner")  # another worker, which finds the channel disabled

    slow(bench).during["spasms"] = published_again
    bench.withdraw()
    bench.work()
    assert bench.partner.last("spasms").event == "withdrawn"
    bench.work_for(3)
    assert one(bench).state == "abandoned"
    replay(bench)
    bench.work_for(3)
    assert bench.partner.last("spasms").rendition.body == b"3|It lives.|"
    assert one(bench).state == "delivered"


def test_a_correction_published_while_a_channel_is_disabled_in_mid_send_can_be_replayed(bench: Bench) -> None:
    bench.publish(article(text="one"))
    bench.work()

    def disabled_and_corrected() -> None:
        disable(bench)
        bench.clock.pass_(3)
        bench.publish(article(text="three"))
        drain(bench.context, render)
        bench.clock.pass_(3)
        deliver.drain(bench.context, "partner")

    slow(bench).during["spasms"] = disabled_and_corrected
    bench.publish(article(text="two"))
    bench.work()
    bench.work_for(3)
    assert one(bench).state == "abandoned"
    replay(bench)
    bench.work_for(3)
    assert bench.partner.last("spasms").rendition.body == b"3|three|"


@pytest.mark.parametrize("mood", ["well", "down", "refuses", "broken"])
def test_a_replay_in_mid_send_is_not_lost(bench: Bench, mood: str) -> None:
    def replayed() -> None:
        disable(bench)
        bench.publish(article(text="two"))
        drain(bench.context, render)
        deliver.drain(bench.context, "partner")
        replay(bench)
        bench.partner.mood = mood  # type: ignore[assignment]

    slow(bench).during["spasms"] = replayed
    bench.publish(article(text="one"))
    bench.work()
    bench.work_for(60)
    assert bench.partner.last("spasms").rendition.body == b"2|two|"


def test_a_delivery_in_mid_send_outlasts_the_abandoning_of_its_disabled_channel(bench: Bench) -> None:
    slow(bench).during["spasms"] = lambda: disable(bench) or bench.work()  # type: ignore[func-returns-value]
    bench.publish(article())
    bench.work()
    assert (one(bench).state, one(bench).delivered_revision) == ("delivered", 1)


def test_forgetting_a_channel_leaves_what_is_being_sent_to_its_sender(bench: Bench) -> None:
    seen = []

    def forgotten() -> None:
        with bench.ledger.write() as transaction:
            seen.append(deliveries.forget(transaction, "partner", now=bench.clock.now))

    slow(bench).during["spasms"] = forgotten
    bench.publish(article())
    bench.publish(article("b"))
    drain(bench.context, render)
    (claim,) = deliver.claim(bench.context, "partner")
    bench.partner.mood = "down"
    deliver.do(bench.context, claim)
    assert seen == [deliveries.Forgotten(given_up=0, sending=2)]
    assert one(bench).state == "pending"
    assert one(bench).due is not None
    with bench.ledger.write() as transaction:
        assert deliveries.forget(transaction, "partner", now=bench.clock.now) == deliveries.Forgotten(2, 0)
    assert one(bench).state == "abandoned"


def test_forgetting_a_pulled_channel_gives_up_what_its_partner_has_not_fetched(ledger: Ledger) -> None:
    bench = pulled(ledger)
    with ledger.write() as transaction:
        assert deliveries.outstanding_elsewhere(transaction, []) == {"partner": 1}
        assert deliveries.forget(transaction, "partner", now=bench.clock.now) == deliveries.Forgotten(1, 0)
    assert one(bench).state == "abandoned"


def pulled(ledger: Ledger) -> Bench:
    bench = WithoutFeeds(ledger)
    plan = bench.context.channels["partner"]
    bench.context = replace(bench.context, channels={"partner": replace(plan, is_pull=True)})
    bench.publish(article())
    bench.work()
    return bench


# --- what must not be ---------------------------------------------------------------------------------------------

_STRANDED = (
    {"state": "pending", "due": None},
    {"state": "sending", "due": None},
    {"state": "delivered", "delivered_revision": None, "due": None},
    {"state": "delivered", "delivered_revision": 1, "target_revision": 2, "due": None},
)


@pytest.mark.parametrize("values", [*_STRANDED, {"state": "well"}])
def test_the_database_refuses_a_delivery_that_nothing_would_finish(bench: Bench, values: dict[str, object]) -> None:
    bench.publish(article())
    drain(bench.context, render)
    with pytest.raises(sa.exc.IntegrityError, match=r"ck_deliveries_|CHECK"), bench.ledger.write() as transaction:
        transaction.execute(sa.update(table).values(**values))


@contextmanager
def _forced(ledger: Ledger, **values: object) -> Iterator[None]:
    """Give all deliveries values that the constraints forbid, which are in force again at the end."""
    checks = {one.name: one.sqltext for one in table.constraints if isinstance(one, sa.CheckConstraint)}
    with ledger.write() as transaction:
        lenient = transaction.dialect.name == "sqlite"
        if lenient:
            checks = {}
            transaction.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for name in checks:
            transaction.exec_driver_sql(f"ALTER TABLE deliveries DROP CONSTRAINT {name}")
        transaction.execute(sa.update(table).values(**values))
        if lenient:
            transaction.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
    try:
        yield
    finally:
        with ledger.write() as transaction:
            for name, text in checks.items():
                transaction.exec_driver_sql(f"ALTER TABLE deliveries ADD CONSTRAINT {name} CHECK ({text})")


@pytest.mark.parametrize("values", _STRANDED)
def test_the_sweep_finds_logs_and_heals_what_is_stranded_all_the_same(bench: Bench, values: dict[str, object]) -> None:
    bench.publish(article(), id="first")
    drain(bench.context, render)
    with _forced(bench.ledger, **values):
        with bench.ledger.read() as transaction:
            assert repair.count(transaction) == 1
        with capture_logs() as logs:
            assert sweep(bench.context)
    assert [(log["event"], log["count"]) for log in logs] == [("stranded deliveries are due again", 1)]
    assert ("deliver", "partner") in bench.bells.rung
    with bench.ledger.read() as transaction:
        assert repair.count(transaction) == 0
        assert [one.outcome for one in attempts.of(transaction, one(bench).id, limit=9)] == ["repaired"]


def test_what_is_being_sent_is_not_repaired_by_others(bench: Bench) -> None:
    bench.publish(article())
    drain(bench.context, render)
    bench.die(deliver, "partner")
    with _forced(bench.ledger, due=None):
        assert repair_stranded(bench.context) == 0
        bench.clock.pass_(60)
        assert repair_stranded(bench.context) == 1


def test_what_a_partner_had_not_fetched_is_pushed_once_its_channel_is_pushed_to(ledger: Ledger) -> None:
    bench = pulled(ledger)
    assert repair_stranded(bench.context) == 0
    plan = replace(bench.context.channels["partner"], is_pull=False)
    bench.context = replace(bench.context, channels={"partner": plan})
    assert sweep(bench.context)
    bench.work()
    assert [parcel.revision for parcel in bench.partner.got] == [1]


# --- what kills its worker ----------------------------------------------------------------------------------------


class Killed(BaseException):
    """Raised where the process is killed."""


class Deadly(Receiver):
    """Sending this article kills the worker."""

    article = "spasms"

    def deliver(self, parcel: Parcel) -> Receipt:
        if parcel.article_id == self.article:
            raise Killed
        return super().deliver(parcel)


def _run_until_killed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> int:
    """Start another worker each time that one is killed, until nothing is left to do; return how many ran."""
    killed = 0
    for _ in range(200):
        try:
            with monkeypatch.context() as patch:
                patch.setattr(Sending, "_end", _unless_killed)
                deliver.drain(bench.context, "partner")
        except Killed:
            killed += 1
        bench.clock.pass_(60)
    return killed


def _unless_killed(sending: Sending, end: Callable[[Sending], None] = Sending._end) -> None:
    if not isinstance(sys.exception(), Killed):
        end(sending)


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_delivery_that_kills_its_workers_is_given_up_and_takes_no_other_with_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, withdrawn: bool
) -> None:
    if withdrawn:
        bench.publish(article())
        bench.work()
        bench.withdraw()
    bench.receivers["partner"] = Deadly()
    for name in ("a", "spasms", "z")[:: 2 if withdrawn else 1]:
        bench.publish(article(name))
    drain(bench.context, render)
    assert _run_until_killed(bench, monkeypatch) == 5
    assert {parcel.article_id for parcel in bench.partner.got} == {"a", "z"}
    dead = one(bench)
    assert dead.state == "abandoned"
    assert (dead.due is not None) == withdrawn  # a withdrawal is tried every day all the same
    assert str(dead.error).startswith("send-interrupted: ")
    assert [one(bench, name).attempts for name in "az"] == ([1, 1] if withdrawn else [2, 2])
    with bench.ledger.read() as transaction:
        history = [attempt.outcome for attempt in attempts.of(transaction, dead.id, limit=6)]
    assert history == ["permanent", *["interrupted"] * 5]


def test_after_a_replay_a_delivery_that_killed_its_workers_has_all_its_attempts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.receivers["partner"] = Deadly()
    bench.publish(article())
    drain(bench.context, render)
    assert _run_until_killed(bench, monkeypatch) == 5
    replay(bench)
    assert _run_until_killed(bench, monkeypatch) == 5
    replay(bench)
    bench.receivers["partner"] = Receiver()
    bench.work()
    assert one(bench).state == "delivered"
