"""Which feeds a parcel says to announce: those that hold the article, in the formats that they are built in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from bench import PLAIN, Bench, article, topic
from msgspec import structs

from pipeline.ledger import Ledger
from pipeline.model.delivery import Parcel
from pipeline.model.site import Feed

FEEDS = (
    Feed(id="latest", title="Everything"),
    Feed(id="sleep", title="One topic", topics=("sleep",)),
    Feed(id="diet", title="Another topic", topics=("diet",)),
    Feed(id="no-sleep", title="All but one topic", without_topics=("sleep",)),
    Feed(id="german", title="Another language", language="de"),
    Feed(id="english", title="A language and its regions", language="en", formats=("atom",)),
    Feed(id="msn", title="A partner's profile, which is RSS", profile="msn"),
    Feed(id="none", title="No format that there is", formats=("sitemap",)),
)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = Bench(ledger)
    formats = {"plain": replace(PLAIN, document=None)}
    formats |= {name: replace(PLAIN, name=name, extension=name) for name in ("atom", "rss")}
    bench.context = replace(bench.context, formats=formats, feeds={feed.id: feed for feed in FEEDS})
    return bench


def announced(parcel: Parcel) -> set[str]:
    assert parcel.links is not None
    assert len(set(parcel.links.feeds)) == len(parcel.links.feeds)
    return set(parcel.links.feeds)


def holding(bench: Bench, article_id: str) -> set[str]:
    """The addresses of the documents that name the article."""
    documents = {path: body for path, (body, _) in bench.store.files.items() if "." in path.rpartition("/")[2]}
    return {
        f"{bench.context.site.served}/{path.removeprefix('public/')}"
        for path, body in documents.items()
        if path.endswith((".atom", ".rss")) and article_id in body.decode()
    }


def urls(names: Iterable[str]) -> set[str]:
    return {f"https://notes.example.org/feeds/{name}" for name in names}


def published(bench: Bench) -> None:
    """An article that every feed takes whose topics and language it fits: MSN asks for a title of 21 characters."""
    one = article(topics=(topic("sleep"),), language="en-GB")
    bench.publish(structs.replace(one, title="Why muscles jerk at the edge of sleep"))
    bench.work()


def test_the_feeds_that_hold_an_article_are_announced_and_no_others(bench: Bench) -> None:
    published(bench)
    expected = urls(["latest.atom", "latest.rss", "sleep.atom", "sleep.rss", "english.atom", "msn.rss"])
    assert announced(bench.partner.last("spasms")) == expected == holding(bench, "spasms")


def test_a_withdrawal_is_announced_in_the_feeds_that_held_the_article(bench: Bench) -> None:
    published(bench)
    before = announced(bench.partner.last("spasms"))
    bench.withdraw()
    bench.work()
    withdrawal = bench.partner.last("spasms")
    assert withdrawal.event == "withdrawn"
    assert announced(withdrawal) == before
