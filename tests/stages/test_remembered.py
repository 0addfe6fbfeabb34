"""What a failed attempt has its channel remember, and announcements of a withdrawal, which come after the feeds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bench import Bench, Receiver, article
from every_stage import deliver, feeds

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.stage import drain


@dataclass
class Forgetful(Receiver):
    """A channel that remembers only what is in its parcels; its first attempt stops halfway."""

    remote_ids: list[str | None] = field(default_factory=list)

    def deliver(self, parcel: Parcel) -> Receipt:
        self.remote_ids.append(parcel.remote_id)
        if len(self.remote_ids) == 1:
            raise TransientError("half of it", code="recipients-waiting", remote_id="the other half")
        if len(self.remote_ids) == 2:
            raise TransientError("nothing more", code="try-later")
        return Receipt(detail="all of it")


def test_what_a_failure_leaves_to_remember_comes_back_with_the_next_attempt(ledger: Ledger) -> None:
    bench = Bench(ledger)
    forgetful = bench.receivers["partner"] = Forgetful()
    bench.publish(article())
    bench.work()
    for _ in range(3):
        bench.clock.pass_(3600)
        bench.work()
    assert forgetful.remote_ids == [None, "the other half", "the other half"]
    bench.publish(article(text="Stretch."))
    bench.work()
    assert forgetful.remote_ids[3:] == ["the other half"]


def test_a_withdrawal_is_announced_after_the_feeds_have_it_but_not_kept_back_for_ever(ledger: Ledger) -> None:
    bench = Bench(ledger)
    plan = replace(bench.context.channels["partner"], wait_for_feeds=True)
    bench.context = replace(bench.context, channels={"partner": plan})
    bench.publish(article())
    bench.work()
    bench.withdraw()
    deliver.drain(bench.context, "partner")
    assert events(bench) == ["published"]
    bench.clock.pass_(10)
    drain(bench.context, feeds)
    deliver.drain(bench.context, "partner")
    assert events(bench) == ["published", "withdrawn"]
    bench.publish(article())
    bench.clock.pass_(10)
    bench.work()
    bench.withdraw()
    bench.clock.pass_(31)
    deliver.drain(bench.context, "partner")
    assert events(bench) == ["published", "withdrawn", "published", "withdrawn"]


def events(bench: Bench) -> list[str]:
    return [parcel.event for parcel in bench.partner.got]
