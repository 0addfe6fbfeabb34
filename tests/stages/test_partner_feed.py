"""A partner's own feed, on each ledger: which changes it contains, and what is recorded when it is fetched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench import PLAIN, START, Bench, article

from pipeline.ledger import Ledger
from pipeline.ledger.partners import changes, pulls
from pipeline.ledger.partners.pulls import Pull
from pipeline.renditions import formats
from pipeline.stages.context import ChannelPlan
from pipeline.stages.partners import feed as partner_feed
from pipeline.stages.partners.feed import PartnerFeed


class Followed(Bench):
    """A bench whose one partner follows its feed."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, "partner", "other")
        self.context = replace(self.context, formats={"plain": PLAIN, "atom": formats()["atom"]})

    @property
    def plan(self) -> ChannelPlan:
        return self.context.channels["partner"]

    def feed(self) -> PartnerFeed:
        return partner_feed.build(self.context, self.plan, self.context.formats["atom"])

    def put_out(self, *names: str, text: str = "Rest.") -> None:
        for name in names:
            self.publish(article(name, text=text))
        self.work()


@pytest.fixture
def bench(ledger: Ledger) -> Followed:
    return Followed(ledger)


def changes_in(feed: PartnerFeed) -> list[tuple[str, int, str]]:
    return [(change.article, change.revision, change.event) for change in feed.listed]


def test_it_is_made_of_the_newest_change_of_each_article(bench: Followed) -> None:
    bench.put_out("one")
    bench.put_out("two")
    bench.put_out("one", text="Stretch.")
    bench.withdraw("two")
    bench.work()
    assert changes_in(bench.feed()) == [("two", 2, "withdrawn"), ("one", 2, "updated")]
    assert b"Rest." not in bench.feed().body


def test_the_same_changes_make_the_same_bytes(bench: Followed) -> None:
    bench.put_out("one", "two")
    first = bench.feed()
    bench.clock.pass_(86_400)
    assert bench.feed().body == first.body


def test_what_came_last_is_told_of_before_it_has_a_place(bench: Followed) -> None:
    """A change committed between the two reads is in the feed, and the one that it supersedes is not."""
    bench.put_out("one")
    bench.put_out("two")
    bench.feed()
    bench.put_out("one", text="Stretch.")
    with bench.ledger.read() as transaction:
        found = changes.newest(transaction, "partner", limit=10)
        (newest,) = changes.newest(transaction, "partner", limit=1)
    assert [(one.article, one.revision, one.seq) for one in found] == [("one", 2, None), ("two", 1, 2)]
    assert newest == found[0]


def test_each_change_is_kept_as_handed_out_once_for_each_token(bench: Followed) -> None:
    def hand_out(token: str) -> None:
        partner_feed.record_listed(bench.context, bench.plan, bench.feed(), token)

    bench.put_out("one", "two")
    for token in ("a", "a", "b"):
        hand_out(token)
    bench.put_out("three")
    hand_out("a")
    with bench.ledger.read() as transaction:
        kept = pulls.every(transaction, "partner")
    assert kept == [Pull("a", START, 1, 2, 2), Pull("b", START, 1, 2, 2), Pull("a", START, 3, 3, 1)]
