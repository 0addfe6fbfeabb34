"""RSS: what real readers understand of it, and what it says. Its judges run in test_every_judge.py."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from articles import FEED, GONE, PUBLISHED, SAMPLE, SITE, UPDATED, WITHDRAWAL, revision_of
from conftest import Golden
from judges.readers import feedparser_feed, newsboat_rows, reader_entries, seconds
from judges.rss import rss_findings
from lxml import etree

from pipeline.model.article import Article, Image
from pipeline.model.rendition import Page
from pipeline.model.site import Site
from pipeline.renditions import formats
from pipeline.renditions.rss import FORMAT, document, render, tombstone

NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "mi": "http://schemas.ingestion.microsoft.com/common/",
}
OTHER = revision_of(Article(id="other", title="Another one", answer="Yes."))
GUID = "tag:notes.example.org,2025:/articles/leg-spasticity"


# --- the profile --------------------------------------------------------------------------------------------------


def test_the_profile_finds_faults() -> None:
    body = render(SAMPLE, SITE).replace(b"Fri, 14 Mar", b"Thu, 14 Mar").replace(b"<dc:creator>Ada", b"<author>Ada")
    body = body.replace(b"Medical editor</dc:creator>", b"</author>").replace(b'rel="self"', b'rel="via"')
    body = body.replace(b"</dc:creator>", b"</author>", 1).replace(b"<h2", b'<h2 onclick="x"', 1)
    found = " ".join(rss_findings(body))
    for word in ("is not 'Fri, 14", "dc:creator is missing", "0 links to itself", "attribute onclick"):
        assert word in found


# --- what readers understand --------------------------------------------------------------------------------------


def test_feedparser_reads_the_item_whole() -> None:
    feed = feedparser_feed(render(SAMPLE, SITE))
    (entry,) = feed.entries
    assert entry.title == SAMPLE.article.title
    assert entry.link == SITE.article_url(SAMPLE.article.id)
    assert (entry.id, entry.guidislink) == (GUID, False)
    assert seconds(entry.published_parsed) == PUBLISHED.timestamp()
    assert seconds(entry.updated_parsed) == UPDATED.timestamp()
    assert entry.author == "Ada Writer"
    assert [tag.term for tag in entry.tags] == ["Spasticity", "Stroke"]
    assert entry.summary.startswith("Daily stretching") and "&lt; 0.05" in entry.summary
    assert "<h2>What it is</h2>" in entry.content[0].value.replace(' id="section-what-it-is"', "")
    assert entry.enclosures[0].type == "image/png"
    assert entry.media_content[0]["width"] == "1200"
    assert feed.feed.language == "en"
    assert {link.rel: link.href for link in feed.feed.links} == {
        "alternate": SITE.url,
        "self": "https://notes.example.org/articles/leg-spasticity.rss",
        "hub": "https://notes.example.org/hub",
    }


def test_reader_stores_every_entry_of_the_feed(tmp_path: Path) -> None:
    entries = reader_entries(tmp_path, {"feed.rss": document(FEED, [SAMPLE, GONE, OTHER], SITE)})
    assert {entry.id: entry.title for entry in entries} == {
        GUID: SAMPLE.article.title,
        GUID.replace("leg-spasticity", "gone"): f"Withdrawn: {GONE.title}",
        "tag:notes.example.org,2025:/articles/other": "Another one",
    }
    sample = next(entry for entry in entries if entry.id == GUID)
    assert (sample.published, sample.updated) == (PUBLISHED, UPDATED)


def test_newsboat_stores_the_item_whole(tmp_path: Path) -> None:
    (row,) = newsboat_rows(tmp_path, {"feed.rss": render(SAMPLE, SITE)})
    assert (row["guid"], row["title"]) == (GUID, SAMPLE.article.title)
    assert row["url"] == SITE.article_url(SAMPLE.article.id)
    assert int(row["pubDate"]) == int(PUBLISHED.timestamp())
    assert "90000002" in row["content"] and "Retracted" in row["content"]


# --- the parts ----------------------------------------------------------------------------------------------------


def test_a_guid_outlives_every_change_but_the_articles_id() -> None:
    changed = msgspec.structs.replace(
        SAMPLE.article,
        title="New",
        canonical="https://elsewhere.example/x",
        published=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    )
    moved = Site(title="T", url="http://notes.example.org:8080", publisher="P", disclaimer="D")
    for body in (
        render(SAMPLE, SITE),
        render(revision_of(changed, number=9), moved),
        document(FEED, [SAMPLE], SITE),
        tombstone(WITHDRAWAL, SITE),
    ):
        assert f'<guid isPermaLink="false">{GUID}</guid>'.encode() in body


def test_a_site_that_moves_can_keep_its_guids() -> None:
    moved = msgspec.structs.replace(SITE, url="https://new.example/health", id_prefix="tag:notes.example.org,2025:")
    assert GUID.encode() in render(SAMPLE, moved)


def test_sites_under_one_host_have_guids_of_their_own() -> None:
    english, french = (msgspec.structs.replace(SITE, url=f"https://x.example/{path}") for path in ("en", "fr"))
    assert (
        feedparser_feed(render(SAMPLE, english)).entries[0].id != feedparser_feed(render(SAMPLE, french)).entries[0].id
    )


def test_the_build_date_is_that_of_the_newest_change() -> None:
    assert b"<lastBuildDate>Fri, 14 Mar 2025 16:05:09 GMT<" in document(FEED, [SAMPLE, OTHER], SITE)
    assert b"<lastBuildDate>Tue, 01 Apr 2025 12:00:00 GMT<" in document(FEED, [SAMPLE, GONE], SITE)
    assert b"lastBuildDate" not in document(FEED, [], SITE)


def test_entries_keep_the_order_in_which_they_are_given() -> None:
    ids = [entry.id.rpartition("/")[2] for entry in feedparser_feed(document(FEED, [OTHER, SAMPLE], SITE)).entries]
    assert ids == ["other", "leg-spasticity"]


def test_a_feed_links_to_itself_and_names_its_hubs() -> None:
    root = etree.fromstring(document(FEED, [SAMPLE], SITE))
    assert root.xpath("channel/atom:link[@rel='self']/@href", namespaces=NS) == [
        "https://notes.example.org/feeds/latest.rss"
    ]
    assert root.xpath("channel/atom:link[@rel='hub']/@href", namespaces=NS) == list(SITE.hubs)


def test_content_with_the_end_of_cdata_stays_whole() -> None:
    revision = revision_of(Article(id="x", title="]]>", answer="a ]]> b & <c>"))
    (entry,) = feedparser_feed(render(revision, SITE)).entries
    assert entry.title == "]]>"
    assert entry.summary == "a ]]&gt; b &amp; &lt;c&gt;"


def test_an_image_of_no_known_type_has_no_enclosure_but_is_still_named() -> None:
    image = Image("https://x.example/straße?id=1", width=10, height=20)
    root = etree.fromstring(render(revision_of(Article(id="x", title="T", answer="A", image=image)), SITE))
    assert root.find(".//enclosure") is None
    media = root.find(".//media:content", NS)
    assert media is not None
    assert {str(key): value for key, value in media.attrib.items()} == {
        "url": "https://x.example/stra%C3%9Fe?id=1",
        "medium": "image",
        "width": "10",
        "height": "20",
    }


def test_a_tombstone_expires_the_item_and_holds_none_of_its_text() -> None:
    item = etree.fromstring(tombstone(WITHDRAWAL, SITE)).find(".//item")
    assert item is not None
    assert item.findtext("title") == f"Withdrawn: {WITHDRAWAL.title}"
    assert item.findtext("description") == "The evidence did not hold: see &lt;our statement&gt; &amp; ask."
    assert item.findtext("mi:expirationDate", namespaces=NS) == "2025-04-01T12:00:00Z"
    assert item.findtext("dcterms:valid", namespaces=NS) == "end=2025-04-01T12:00:00Z; scheme=W3C-DTF"
    assert item.findtext("dcterms:modified", namespaces=NS) == "2025-04-01T12:00:00Z"
    assert item.find("content:encoded", NS) is None


def test_a_feed_shows_that_an_article_was_withdrawn_under_its_guid() -> None:
    (entry,) = feedparser_feed(document(FEED, [WITHDRAWAL], SITE)).entries
    (live,) = feedparser_feed(document(FEED, [SAMPLE], SITE)).entries
    assert (entry.id, entry.link, entry.title) == (live.id, live.link, f"Withdrawn: {live.title}")
    assert "1 April 2025</time>.</strong>" in entry.content[0].value and "did not hold" in entry.content[0].value


@pytest.mark.parametrize(("days", "after", "is_shown"), [(0, 0, False), (1, 1, True), (1, 2, False), (30, 30, True)])
def test_a_withdrawal_is_shown_for_as_long_as_the_site_says(days: int, after: int, is_shown: bool) -> None:
    newest = msgspec.structs.replace(OTHER, updated=WITHDRAWAL.withdrawn + dt.timedelta(days=after))
    site = msgspec.structs.replace(SITE, tombstone_days=days)
    for name in ("rss", "atom", "json-feed"):
        form = formats()[name]
        assert form.document is not None and form.page is not None
        assert (b"Withdrawn: " in form.document(FEED, [newest, WITHDRAWAL], site)) is is_shown
        assert b"Withdrawn: " not in form.page(FEED, [newest, WITHDRAWAL], site, Page(1)), "an archive page"


def test_the_sample_and_its_tombstone_are_as_they_were(golden: Golden) -> None:
    golden("sample.rss", render(SAMPLE, SITE))
    golden("tombstone.rss", tombstone(WITHDRAWAL, SITE))
    golden("feed.rss", document(FEED, [SAMPLE, GONE, OTHER], SITE))


def test_it_is_registered_under_its_media_type() -> None:
    assert (FORMAT.name, FORMAT.media_type, FORMAT.extension) == ("rss", "application/rss+xml", "rss")
