"""The list of articles: what is in it, what narrows it, and that its pages leave nothing out."""

from __future__ import annotations

import datetime as dt

import pytest
from bench import START, Bench, WithoutFeeds, article, topic
from msgspec import structs

from pipeline.ledger import Ledger
from pipeline.ledger.articles import listing
from pipeline.ledger.articles.listing import ArticleFilter
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.stages.accept import accept_all
from pipeline.views import listing as listing_views


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = WithoutFeeds(ledger, "first")
    later = structs.replace(article("later"), title="100% later", embargo=START + dt.timedelta(days=30))
    every = [article("spasms", text="Rest."), article("cramps", text="Stretch."), later]
    accept_all(bench._intake(), [Publish(Origin(source="test", id=one.id), one) for one in every])
    bench.work()
    accept_all(bench._intake(), [Withdraw(Origin(source="test", id="gone"), "cramps", "Wrong.")])
    return bench


def listed(bench: Bench, **given: str) -> list[str]:
    with bench.ledger.read() as transaction:
        found = listing_views.articles(transaction, ArticleFilter(**given), limit=10)
    return [one.article for one in found.articles]


def test_each_article_is_listed_with_its_state_its_dates_and_its_worst_delivery(bench: Bench) -> None:
    with bench.ledger.read() as transaction:
        cramps, later, spasms = listing_views.articles(transaction, ArticleFilter(), limit=10).articles
    assert (spasms.state, spasms.revision, spasms.worst, spasms.withdrawn) == ("live", 1, "delivered", None)
    assert (cramps.state, cramps.reason, cramps.worst) == ("withdrawn", "Wrong.", "pending")
    assert cramps.withdrawn is not None
    assert (later.state, later.scheduled, later.worst) == ("scheduled", START + dt.timedelta(days=30), None)


def test_state_channel_and_words_narrow_the_list(bench: Bench) -> None:
    assert listed(bench, state="live") == ["spasms"]
    assert listed(bench, channel="first") == ["cramps", "spasms"]
    assert listed(bench, query="SPAS") == ["spasms"]
    assert listed(bench, query="100%") == listed(bench, query="%") == ["later"]  # a sign, not a pattern
    assert listed(bench, topic="no-such-topic") == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"query": "spas"}, ["spasms"]),
        ({"channel": "first"}, ["cramps", "spasms"]),
        ({"topic": "no-such-topic"}, []),
        ({"query": "e"}, ["later"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 10])
def test_a_page_looks_at_so_many_articles_and_says_where_to_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], found: list[str], limit: int
) -> None:
    monkeypatch.setattr(listing, "WINDOW", 1)
    seen: list[str] = []
    nexts: list[str | None] = [None]
    with bench.ledger.read() as transaction:
        while len(nexts) == 1 or nexts[-1] is not None:
            page = listing_views.articles(transaction, ArticleFilter(**given), after=nexts[-1], limit=limit)
            seen += [one.article for one in page.articles]
            nexts.append(page.next)
        every = [one.id for one in listing.every(transaction, ArticleFilter(**given))]
    assert seen == every == found
    assert nexts == [None, "cramps", "later", None]


def test_pages_follow_each_other_without_a_gap(bench: Bench) -> None:
    found: list[str] = []
    after = None
    with bench.ledger.read() as transaction:
        while page := listing_views.articles(transaction, ArticleFilter(), after=after, limit=1):
            found += [one.article for one in page.articles]
            after = page.next
            if after is None:
                break
    assert found == ["cramps", "later", "spasms"]


def test_the_topics_of_what_is_not_out_yet_are_known(bench: Bench) -> None:
    later = structs.replace(article("later"), topics=(topic("sleep"),), embargo=START + dt.timedelta(days=30))
    newest = structs.replace(article("spasms", text="Move."), topics=(topic("sleep"),))
    accept_all(bench._intake(), [Publish(Origin(source="test", id=f"{one.id}/2"), one) for one in (later, newest)])
    assert listed(bench, topic="sleep") == ["later", "spasms"]
    assert listed(bench, topic="sleep", state="scheduled") == ["later"]
    with bench.ledger.read() as transaction:
        first = listing_views.articles(transaction, ArticleFilter(topic="sleep"), limit=1)
    assert ([one.article for one in first.articles], first.next) == (["later"], "later")
