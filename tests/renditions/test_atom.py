"""Atom as real readers parse it, with the tombstones of RFC 6721. Its judges run in test_every_judge.py."""

from __future__ import annotations

from pathlib import Path

from articles import FEED, GONE, PUBLISHED, SAMPLE, SITE, UPDATED, WITHDRAWAL, revision_of
from conftest import Golden
from judges.atom import atom_findings
from judges.readers import feedparser_feed, newsboat_rows, reader_entries, seconds
from lxml import etree

from pipeline.model.article import Article
from pipeline.renditions.atom import document, render, tombstone

NS = {"a": "http://www.w3.org/2005/Atom", "at": "http://purl.org/atompub/tombstones/1.0"}
OTHER = revision_of(Article(id="other", title="Another one", answer="Yes."))
ID = "tag:notes.example.org,2025:/articles/leg-spasticity"


def test_the_grammar_finds_faults() -> None:
    body = render(SAMPLE, SITE)
    assert atom_findings(body.replace(b'type="html"', b'type="CDATA"'))
    assert atom_findings(body.replace(b"<updated>2025", b"<updated>in 2025"))


def test_feedparser_reads_the_entry_whole() -> None:
    feed = feedparser_feed(render(SAMPLE, SITE))
    (entry,) = feed.entries
    assert (entry.id, entry.title, entry.author) == (ID, SAMPLE.article.title, "Ada Writer")
    assert seconds(entry.published_parsed) == PUBLISHED.timestamp()
    assert seconds(entry.updated_parsed) == UPDATED.timestamp()
    assert entry.contributors[0].name == "Grace Reviewer, MD, PhD"
    assert entry.content[0].type == "text/html" and entry.content[0].language == "en"
    assert {(link.rel, link.get("type")) for link in entry.links} == {
        ("alternate", "text/html"),
        ("related", "text/html"),
        ("enclosure", "image/png"),
        ("license", "text/html"),
    }
    assert {link.rel: link.href for link in feed.feed.links} == {
        "self": "https://notes.example.org/articles/leg-spasticity.atom",
        "alternate": SITE.url,
        "hub": "https://notes.example.org/hub",
    }


def test_reader_stores_every_entry_of_the_feed(tmp_path: Path) -> None:
    entries = reader_entries(tmp_path, {"feed.atom": document(FEED, [SAMPLE, GONE, OTHER], SITE)})
    assert {entry.title for entry in entries} == {SAMPLE.article.title, f"Withdrawn: {GONE.title}", "Another one"}
    sample = next(entry for entry in entries if entry.id == ID)
    assert (sample.published, sample.updated, sample.authors_str) == (PUBLISHED, UPDATED, "Ada Writer")


def test_newsboat_stores_the_entry_whole(tmp_path: Path) -> None:
    (row,) = newsboat_rows(tmp_path, {"feed.atom": render(SAMPLE, SITE)})
    assert (row["guid"], row["title"], row["author"]) == (ID, SAMPLE.article.title, "Ada Writer")
    assert "90000002" in row["content"] and "Retracted" in row["content"]


def test_a_withdrawn_article_is_a_deleted_entry() -> None:
    for body in (tombstone(WITHDRAWAL, SITE), document(FEED, [OTHER, WITHDRAWAL], SITE)):
        (deleted,) = etree.fromstring(body).findall("at:deleted-entry", NS)
        assert (deleted.get("ref"), deleted.get("when")) == (ID, "2025-04-01T12:00:00Z")
        assert deleted.findtext("at:comment", namespaces=NS) == WITHDRAWAL.reason
        assert deleted.findtext("at:by/a:name", namespaces=NS) == SITE.publisher


def test_a_tombstone_holds_no_entry() -> None:
    assert feedparser_feed(tombstone(WITHDRAWAL, SITE)).entries == []


def test_a_feed_is_updated_when_its_newest_change_was() -> None:
    def updated(body: bytes) -> str | None:
        return etree.fromstring(body).findtext("a:updated", namespaces=NS)

    assert updated(document(FEED, [SAMPLE, OTHER], SITE)) == "2025-03-14T16:05:09+00:00"
    assert updated(document(FEED, [SAMPLE, GONE], SITE)) == "2025-04-01T12:00:00+00:00"
    assert updated(document(FEED, [], SITE)) == "1970-01-01T00:00:00+00:00"


def test_an_article_without_authors_is_its_publishers() -> None:
    assert feedparser_feed(render(OTHER, SITE)).entries[0].author == SITE.publisher


def test_the_sample_and_its_tombstone_are_as_they_were(golden: Golden) -> None:
    golden("sample.atom", render(SAMPLE, SITE))
    golden("tombstone.atom", tombstone(WITHDRAWAL, SITE))
