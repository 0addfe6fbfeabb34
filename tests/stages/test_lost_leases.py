"""Work that takes longer than its lease: the lease is renewed, and finished work counts even if the lease was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from bench import Bench, Receiver, Store, WithoutFeeds, article
from every_stage import deliver, enrich, render

from pipeline.errors import CitewireError
from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.deliveries import Delivery
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.context import Policy
from pipeline.stages.stage import drain


@dataclass
class Slow(Receiver):
    """Something happens before it answers, once."""

    before: Callable[[], None] | None = None

    def deliver(self, parcel: Parcel) -> Receipt:
        before, self.before = self.before, None
        if before is not None:
            before()
        return super().deliver(parcel)


@dataclass
class Mailing(Receiver):
    """A channel that sends a batch as one mail."""

    mails: list[list[str]] = field(default_factory=list)

    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        self.mails.append([one.article_id for one in parcels])
        return [self.deliver(one) for one in parcels]


class SlowStore(Store):
    """Each rendition takes a while, in which others do what `meanwhile` says."""

    def __init__(self, bench: Bench, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.held = bench.store.held
        self.bench, self.seconds, self.meanwhile = bench, seconds, meanwhile

    def get(self, digest: str, size: int | None = None) -> bytes | None:
        self.bench.clock.pass_(self.seconds)
        self.meanwhile()
        return super().get(digest, size)


def delivery_of(bench: Bench, name: str = "spasms") -> Delivery:
    with bench.ledger.read() as transaction:
        (one,) = deliveries.of_article(transaction, name)
    return one


def ready_for_a_slow_partner(ledger: Ledger) -> tuple[Bench, Slow]:
    """An article that is rendered and about to be sent."""
    bench, slow = WithoutFeeds(ledger), Slow()
    bench.receivers["partner"] = slow
    bench.publish(article())
    drain(bench.context, enrich)
    drain(bench.context, render)
    return bench, slow


def test_a_mail_of_50_slow_renditions_is_sent_once(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(deliver_batch=50))
    mailing = bench.receivers["partner"] = Mailing()
    for number in range(50):
        bench.publish(article(f"article-{number:03}"))
    drain(bench.context, enrich)
    for _ in range(5):
        drain(bench.context, render)

    def another_worker() -> None:
        assert not deliver.claim(bench.context, "partner"), "the batch was free while it was being made"

    bench.context = replace(bench.context, store=SlowStore(bench, 2.0, another_worker))
    deliver.drain(bench.context, "partner")
    bench.clock.pass_(100)
    deliver.drain(bench.context, "partner")
    assert [len(mail) for mail in mailing.mails] == [50]


def test_what_changes_while_a_mail_is_being_made_is_not_in_it(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    mailing = bench.receivers["partner"] = Mailing()
    bench.publish(article("second", text="Earlier."))
    bench.work()
    for name in ("first", "second"):
        bench.publish(article(name))
    drain(bench.context, enrich)
    drain(bench.context, render)

    def withdrawn() -> None:
        store.meanwhile = lambda: None
        bench.withdraw("second")

    store = SlowStore(bench, 1.0, withdrawn)
    bench.context = replace(bench.context, store=store)
    deliver.drain(bench.context, "partner")
    bench.clock.pass_(10)
    deliver.drain(bench.context, "partner")
    assert [(one.article_id, one.event) for one in mailing.got[1:]] == [("second", "withdrawn"), ("first", "published")]


def test_a_rendition_that_takes_longer_than_the_lease_is_sent_by_whoever_has_the_lease_then(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article())
    drain(bench.context, enrich)
    drain(bench.context, render)

    def another_worker() -> None:
        bench.context = replace(bench.context, store=bench.store)
        deliver.drain(bench.context, "partner")

    slow = replace(bench.context, store=SlowStore(bench, 60.0, another_worker))
    deliver.drain(slow, "partner")
    assert len(bench.partner.got) == 1


@pytest.mark.parametrize("state", ["pending", "abandoned"])
def test_a_success_counts_although_its_lease_was_lost(ledger: Ledger, state: str) -> None:
    bench, slow = ready_for_a_slow_partner(ledger)

    def another_worker_fails() -> None:
        bench.clock.pass_(60)
        bench.receivers["partner"] = Receiver("down" if state == "pending" else "gone")
        deliver.drain(bench.context, "partner")
        assert delivery_of(bench).state == state
        bench.receivers["partner"] = slow

    slow.before = another_worker_fails
    deliver.drain(bench.context, "partner")
    assert (
        delivery_of(bench).state,
        delivery_of(bench).delivered_revision,
        delivery_of(bench).due,
        delivery_of(bench).error,
    ) == (
        "delivered",
        1,
        None,
        None,
    )
    bench.work_for(600, step=30)
    assert len(slow.got) == 1


def test_a_success_counts_while_another_worker_sends_the_same(ledger: Ledger) -> None:
    bench, slow = ready_for_a_slow_partner(ledger)

    def taken() -> None:
        bench.clock.pass_(60)
        bench.die(deliver, "partner")

    slow.before = taken
    deliver.drain(bench.context, "partner")
    bench.work_for(120, step=10)
    assert (delivery_of(bench).state, len(slow.got)) == ("delivered", 1)


def test_a_late_success_of_an_older_text_has_the_withdrawal_sent_once_more(ledger: Ledger) -> None:
    """The late write may have brought the withdrawn text back, at a place that cannot compare revisions itself."""
    bench, slow = ready_for_a_slow_partner(ledger)

    def withdrawn_by_another_worker() -> None:
        bench.clock.pass_(60)
        bench.withdraw()
        deliver.drain(bench.context, "partner")
        assert slow.got[-1].event == "withdrawn"

    slow.before = withdrawn_by_another_worker
    deliver.drain(bench.context, "partner")
    bench.work_for(10)
    assert [one.event for one in slow.got] == ["withdrawn", "published", "withdrawn"]
    assert (delivery_of(bench).state, delivery_of(bench).delivered_revision) == ("delivered", 2)
    assert len({one.message_id for one in slow.got if one.event == "withdrawn"}) == 1


def test_a_late_success_of_an_older_text_leaves_a_newer_one_due(ledger: Ledger) -> None:
    bench, slow = ready_for_a_slow_partner(ledger)

    def published_again() -> None:
        bench.clock.pass_(60)
        bench.die(deliver, "partner")
        bench.publish(article(text="Move."))
        drain(bench.context, render)

    slow.before = published_again
    deliver.drain(bench.context, "partner")
    assert (delivery_of(bench).state, delivery_of(bench).delivered_revision, delivery_of(bench).target_revision) == (
        "pending",
        1,
        2,
    )
    bench.work_for(120, step=10)
    assert (delivery_of(bench).state, slow.got[-1].revision) == ("delivered", 2)
