"""Sitemaps: what is listed, and which files a change rewrites."""

from __future__ import annotations

import datetime as dt

import pytest
from asgi import get
from bench import START
from feed_bench import FeedBench, numbered
from lxml import etree
from msgspec import structs

from pipeline.feeds import sitemaps
from pipeline.ledger import Ledger
from pipeline.model.site import Site
from pipeline.web.app import create_app

NS = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}
SITE = Site(title="A & B", url="https://notes.example.org", publisher="P", disclaimer="D")


@pytest.fixture
def bench(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> FeedBench:
    monkeypatch.setattr(sitemaps, "PAGE_SIZE", 4)
    return FeedBench(ledger)


def _listed(bench: FeedBench, path: str) -> list[str]:
    return [str(loc) for loc in etree.fromstring(bench.file(path)).xpath("//s:loc/text()", namespaces=NS)]


def test_every_live_article_stands_in_one_page_and_every_page_in_the_index(bench: FeedBench) -> None:
    bench.publish_many(*range(10))
    bench.withdraw("article-009")
    bench.build()
    pages = _listed(bench, "sitemap.xml")
    assert pages == [f"https://notes.example.org/sitemaps/{number}.xml" for number in (1, 2, 3)]
    listed = [loc for page in pages for loc in _listed(bench, page.removeprefix("https://notes.example.org/"))]
    assert sorted(listed) == [f"https://notes.example.org/articles/article-{number:03}" for number in range(9)]


def test_a_change_writes_its_own_page_and_the_index(bench: FeedBench) -> None:
    bench.publish_many(*range(10))
    bench.build()
    bench.store.written.clear()
    bench.publish_many(1, text="Corrected.")
    bench.build()
    assert {path for path in bench.store.written if path.endswith(".xml")} == {
        "public/sitemaps/1.xml", "public/sitemap.xml"
    }  # fmt: skip


def test_what_was_withdrawn_is_not_listed_and_its_place_stays_free(bench: FeedBench) -> None:
    bench.publish_many(*range(6))
    bench.build()
    bench.withdraw("article-002")
    bench.build()
    assert len(_listed(bench, "sitemaps/1.xml")) == 3
    assert len(_listed(bench, "sitemaps/2.xml")) == 2


def test_another_sites_addresses_are_that_sites_to_list(bench: FeedBench) -> None:
    bench.publish(structs.replace(numbered(1), canonical="https://elsewhere.example/a"))
    bench.publish(structs.replace(numbered(2), canonical="https://notes.example.org/b?x=1&y=2"))
    bench.build()
    assert _listed(bench, "sitemaps/1.xml") == ["https://notes.example.org/b?x=1&y=2"]


def test_the_news_are_those_of_two_days(bench: FeedBench) -> None:
    for hours in (1, 47, 49):
        published = START - dt.timedelta(hours=hours)
        bench.publish(structs.replace(numbered(hours), published=published, title=f"{hours} & <h>"))
    bench.build()
    bench.clock.now = START
    app = create_app(bench.context, alive=list)
    root = etree.fromstring(get(app, "/sitemap-news.xml").body)
    assert root.xpath("//n:title/text()", namespaces=NS) == ["1 & <h>", "47 & <h>"]
    bench.clock.pass_(2 * 3600)
    root = etree.fromstring(get(app, "/sitemap-news.xml").body)
    assert root.xpath("//n:title/text()", namespaces=NS) == ["1 & <h>"]


def test_a_withdrawn_article_is_no_news_at_once(bench: FeedBench) -> None:
    bench.publish(structs.replace(numbered(1), published=START))
    bench.build()
    bench.withdraw("article-001")
    assert b"article-001" not in get(create_app(bench.context, alive=list), "/sitemap-news.xml").body


@pytest.mark.parametrize(
    ("language", "written"), [("en-GB", b">en<"), ("zh-TW", b">zh-tw<"), ("zh-Hans", b">zh-cn<"), ("gsw", b">gsw<")]
)
def test_languages_are_written_as_google_has_them(language: str, written: bytes) -> None:
    assert written in sitemaps.news(SITE, [("https://notes.example.org/a", "T", language, START)])
