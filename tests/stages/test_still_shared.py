"""A mount that goes away while a worker runs: what is written below it does not count, and nothing is lost by it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench import Bench, Receiver, article
from feeds.feed_bench import FeedBench, numbered

from pipeline.ledger import Ledger, deliveries, shared_places
from pipeline.ledger.shared_places import SharedPlace
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.site import Feed
from pipeline.stages.still_shared import MARK_FILE, STORE
from pipeline.store import RenditionStore


@dataclass
class Folder(Receiver):
    """A folder that all hosts share. `below`: what is written to the host's own disk while it is not mounted."""

    place: str = "file:///shared/out"
    setting: str = "path"
    mounted: bool = True
    goes_away: bool = False  # in the middle of the next delivery
    below: int = 0

    def mark(self) -> str | None:
        return "the site's" if self.mounted else None

    def set_mark(self, mark: str) -> None:
        raise AssertionError("a delivery marks nothing")

    def deliver(self, parcel: Parcel) -> Receipt:
        if self.goes_away:
            self.mounted = self.goes_away = False
        if not self.mounted:
            self.below += 1
            return Receipt("written")
        return super().deliver(parcel)


def share(bench: Bench, name: str) -> None:
    with bench.ledger.write() as transaction:
        place = SharedPlace(name=name, nonce="the site's", location=name, host="a", at=bench.clock.now)
        shared_places.add(transaction, place)


@pytest.mark.parametrize("when", ["before", "during"])
def test_what_is_delivered_while_a_folder_is_not_mounted_is_delivered_when_it_is_back(
    ledger: Ledger, when: str
) -> None:
    bench, folder = Bench(ledger), Folder()
    bench.receivers["partner"] = folder
    share(bench, folder.place)
    bench.publish(article())
    bench.work()
    assert len(folder.got) == 1
    folder.mounted, folder.goes_away = when == "during", when == "during"
    bench.withdraw()
    bench.work_for(60)
    assert (len(folder.got), folder.below) == (1, 1 if when == "during" else 0)
    with ledger.read() as transaction:
        (row,) = deliveries.of_article(transaction, "spasms")
    assert "is it mounted?" in str(row.error)
    folder.mounted = True
    bench.work_for(70)
    assert folder.last("spasms").event == "withdrawn"


def test_a_folder_that_no_host_has_marked_is_written_to(ledger: Ledger) -> None:
    bench, folder = Bench(ledger), Folder(mounted=False)
    bench.receivers["partner"] = folder
    bench.publish(article())
    bench.work()
    assert folder.below == 1


def test_feeds_are_not_written_to_a_disk_below_the_store(ledger: Ledger, tmp_path: Path) -> None:
    mounted, store = tmp_path / "store", RenditionStore.at(tmp_path / "store")
    bench = FeedBench(ledger, Feed(id="latest", title="Latest", size=2))
    bench.context = dataclasses.replace(bench.context, store=store)
    share(bench, STORE)
    store.put_file(MARK_FILE, b"the site's\n", bench.clock.now)
    bench.publish_many(1)
    bench.build()
    mounted.rename(tmp_path / "elsewhere")
    mounted.mkdir()
    bench.publish(numbered(2))
    bench.build()
    assert not (mounted / "public").exists() or not list((mounted / "public" / "feeds").glob("latest.*"))
    for path in mounted.rglob("*"):
        assert not path.name.startswith("latest.")
    (tmp_path / "below").mkdir()
    mounted.rename(tmp_path / "below" / "store")
    (tmp_path / "elsewhere").rename(mounted)
    for _ in range(5):
        bench.clock.pass_(300)
        bench.build()
    feed = store.get_file("public/feeds/latest.json")
    assert feed is not None
    assert b"article-002" in feed[0]
