"""Partners' profiles: each rule with a feed that breaks it, and how the feed reports a withdrawal."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from bench import START
from feed_bench import FeedBench
from judges.rss import rss_findings
from lxml import etree
from msgspec import structs

from pipeline.feeds.profiles import document_findings, entry_findings, feed_findings
from pipeline.ledger import Ledger, tables
from pipeline.ledger import feeds as ledger_feeds
from pipeline.model.article import Article, Image
from pipeline.model.revision import Revision
from pipeline.model.site import Feed, Profile, Site

SITE = Site(title="Notes", url="https://notes.example.org", publisher="Example Health", disclaimer="Ask.")
GOOD = Article(
    id="good",
    title="What helps against stiff legs?",
    answer="Stretching each day helps most people. " * 10,
    image=Image("https://notes.example.org/legs.jpg", "Legs", width=1200, height=600),
    published=START - dt.timedelta(days=3),
)
NS = {
    "mi": "http://schemas.ingestion.microsoft.com/common/",
    "snf": "http://www.smartnews.be/snf",
    "media": "http://search.yahoo.com/mrss/",
    "dcterms": "http://purl.org/dc/terms/",
}


def _feed(profile: Profile, **more: object) -> Feed:
    return Feed(id="partner", title="Partner", profile=profile, **more)  # type: ignore[arg-type]


def _rules(profile: Profile, **changes: object) -> list[str]:
    article = structs.replace(GOOD, **changes)
    revision = Revision(article=article, number=1, published=START, updated=START + dt.timedelta(days=30))
    return [one.rule for one in entry_findings(_feed(profile), revision, SITE, START)]


@pytest.mark.parametrize("profile", ["msn", "smartnews", "flipboard"])
def test_an_article_that_fits_breaks_no_rule(profile: Profile) -> None:
    assert _rules(profile) == []


@pytest.mark.parametrize(
    ("profile", "changes", "rule"),
    [
        ("msn", {"title": "x" * 20}, "msn-title"),
        ("msn", {"title": "x" * 151}, "msn-title"),
        ("msn", {"published": START + dt.timedelta(days=1)}, "msn-date"),
        ("msn", {"published": START - dt.timedelta(days=366)}, "msn-date"),
        ("msn", {"language": "fr"}, "msn-language"),
        ("smartnews", {"published": START + dt.timedelta(days=1)}, "smartnews-date"),
        ("smartnews", {"language": "fr"}, "smartnews-language"),
        ("flipboard", {"answer": "Too short."}, "flipboard-excerpt"),
        ("flipboard", {"image": None}, "flipboard-image"),
        ("flipboard", {"image": Image("https://notes.example.org/x.jpg", width=499)}, "flipboard-image"),
        ("flipboard", {"image": Image("https://notes.example.org/x.jpg")}, "flipboard-image"),
        ("flipboard", {"language": "fr"}, "flipboard-language"),
    ],
)
def test_each_rule_is_found_broken(profile: Profile, changes: dict[str, object], rule: str) -> None:
    assert _rules(profile, **changes) == [rule]


@pytest.mark.parametrize("title", ["x" * 21, "x" * 150])
def test_titles_at_the_edge_are_taken(title: str) -> None:
    assert _rules("msn", title=title) == []


def test_rules_of_the_whole_feed() -> None:
    assert [one.rule for one in feed_findings(_feed("smartnews"), [], SITE)] == [
        "smartnews-description", "smartnews-logo"
    ]  # fmt: skip
    whole = structs.replace(SITE, logo="https://notes.example.org/logo.png")
    assert feed_findings(_feed("smartnews", description="Answers from doctors"), [], whole) == []
    assert [one.rule for one in feed_findings(_feed("flipboard"), [], SITE)] == ["flipboard-items"]
    assert [one.rule for one in document_findings(_feed("smartnews"), b"x" * 1_000_001)] == ["smartnews-size"]
    assert document_findings(_feed("smartnews"), b"x" * 1_000_000) == []
    assert feed_findings(Feed(id="plain", title="Plain"), [], SITE) == []


# --- in a feed ----------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(quick: Ledger) -> FeedBench:
    return FeedBench(quick)


def _built(bench: FeedBench, feed: Feed) -> etree._Element:
    bench.configure(feed, logo="https://notes.example.org/logo.png")
    bench.publish(GOOD)
    bench.publish(structs.replace(GOOD, id="other", title="Short"))
    bench.build()
    return etree.fromstring(bench.file("feeds/partner.rss"))


def test_what_breaks_a_rule_is_left_out_and_named(bench: FeedBench, capsys: pytest.CaptureFixture[str]) -> None:
    _built(bench, _feed("msn"))
    assert bench.ids("feeds/partner.rss") == ["good"]
    with bench.ledger.read() as transaction:
        (finding,) = json.loads(ledger_feeds.findings(transaction)["partner"])
    assert finding == {"rule": "msn-title", "detail": "the title has 5 characters, not 21 to 150", "article": "other"}
    assert "feed finding" in capsys.readouterr().out


def test_since_when_an_article_is_shown_is_not_made_up_where_it_was_left_out(bench: FeedBench) -> None:
    _built(bench, _feed("msn"))
    with bench.ledger.read() as transaction:
        columns = (tables.feed_entries.c[name] for name in ("article", "shown_since", "unwritten"))
        rows = transaction.execute(sa.select(*columns).where(tables.feed_entries.c.feed == "partner")).all()
    since = {article: shown_since for article, shown_since, _ in rows}
    assert since["good"] is not None and since["other"] is None
    assert not any(unwritten for *_, unwritten in rows)


def test_a_mended_article_comes_in_and_the_finding_goes(bench: FeedBench) -> None:
    _built(bench, _feed("msn"))
    bench.publish(structs.replace(GOOD, id="other", title="Long enough to be taken, surely"))
    bench.build()
    assert sorted(bench.ids("feeds/partner.rss")) == ["good", "other"]
    with bench.ledger.read() as transaction:
        assert ledger_feeds.findings(transaction) == {}


def test_a_profile_is_of_rss_alone(bench: FeedBench) -> None:
    _built(bench, _feed("flipboard"))
    assert {path for path in bench.snapshot() if "/feeds/" in path} == {
        f"public/feeds/partner.rss{ending}" for ending in ("", ".gz", ".br")
    }


def test_msn_is_told_of_a_withdrawal_by_an_expiration(bench: FeedBench) -> None:
    _built(bench, _feed("msn"))
    bench.withdraw("good")
    bench.build()
    (item,) = etree.fromstring(bench.file("feeds/partner.rss")).findall("channel/item")
    assert str(item.findtext("guid")).endswith("/articles/good")
    assert item.findtext("mi:expirationDate", namespaces=NS) == item.findtext("dcterms:modified", namespaces=NS)
    assert rss_findings(bench.file("feeds/partner.rss")) == []


@pytest.mark.parametrize("long", ["word " * 29 + "words", "x" * 150, "mg " * 46 + "give 50 mg"])
def test_what_msn_is_told_of_a_withdrawal_is_no_longer_than_its_limit(bench: FeedBench, long: str) -> None:
    bench.configure(_feed("msn"))
    bench.publish(structs.replace(GOOD, title=long))
    bench.build()
    bench.withdraw("good")
    bench.build()
    (item,) = etree.fromstring(bench.file("feeds/partner.rss")).findall("channel/item")
    title = str(item.findtext("title"))
    assert title.startswith("Withdrawn: ") and len(title) <= 150 and not title.endswith("50…")


def test_what_msn_was_never_given_is_not_withdrawn_from_it(bench: FeedBench) -> None:
    _built(bench, _feed("msn"))
    bench.withdraw("other")  # its title is too short
    bench.publish(structs.replace(GOOD, id="french", language="fr"))
    bench.build()
    bench.withdraw("french")
    bench.build()
    assert bench.ids("feeds/partner.rss") == ["good"]


def test_msn_reads_of_an_old_article_s_withdrawal_by_a_date_that_it_takes(bench: FeedBench) -> None:
    _built(bench, _feed("msn"))
    bench.clock.pass_(400 * 24 * 3600)
    bench.withdraw("good")
    bench.build()
    (item,) = etree.fromstring(bench.file("feeds/partner.rss")).findall("channel/item")
    assert str(bench.clock.now.year) in str(item.findtext("pubDate"))


def test_smartnews_has_its_logos_and_is_told_of_a_withdrawal_by_a_state(bench: FeedBench) -> None:
    logo = "https://notes.example.org/dark.png"
    more = {"description": "Answers from doctors", "dark_logo": logo, "analytics": "<script>count('<&')</script>"}
    root = _built(bench, _feed("smartnews", **more))
    assert root.findtext("channel/snf:logo/url", namespaces=NS) == "https://notes.example.org/logo.png"
    assert root.findtext("channel/snf:darkModeLogo/url", namespaces=NS) == logo
    assert root.findtext("channel/item/snf:analytics", namespaces=NS) == more["analytics"]
    assert root.findtext("channel/pubDate") == root.findtext("channel/lastBuildDate")
    before = {item.findtext("guid"): item.findtext("pubDate") for item in root.findall("channel/item")}
    bench.withdraw("good")
    bench.build()
    items = etree.fromstring(bench.file("feeds/partner.rss")).findall("channel/item")
    states = {item.findtext("guid"): item.find("media:status", NS).get("state") for item in items}  # type: ignore[union-attr]
    (gone,) = [item for item in items if str(item.findtext("guid")).endswith("/good")]
    assert sorted(map(str, states.values())) == ["active", "deleted"]
    assert gone.findtext("pubDate") != before[gone.findtext("guid")]


def test_a_flipboard_feed_leaves_withdrawals_out(bench: FeedBench) -> None:
    _built(bench, _feed("flipboard"))
    bench.withdraw("good")
    bench.build()
    assert bench.ids("feeds/partner.rss") == ["other"]
