"""JSON Feed 1.1: read by a real reader, its evidence there as data. Its judge runs in test_every_judge.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from articles import FEED, GONE, PUBLISHED, SAMPLE, SITE, UPDATED, WITHDRAWAL, revision_of
from conftest import Golden
from judges.json_schemas import json_feed_findings
from judges.readers import reader_entries

from pipeline.model.article import Article
from pipeline.renditions.json_feed import document, render, tombstone

OTHER = revision_of(Article(id="other", title="Another one", answer="Yes."))
ID = "tag:notes.example.org,2025:/articles/leg-spasticity"


def test_the_schema_checks_dates_and_addresses() -> None:
    body = render(SAMPLE, SITE)
    assert json_feed_findings(body.replace(b"2025-03-14T16:05:09Z", b"yesterday"))
    assert json_feed_findings(body.replace(b'"url":"https://notes.example.org/hub"', b'"url":"the hub"'))


def test_reader_stores_every_item_of_the_feed(tmp_path: Path) -> None:
    entries = reader_entries(tmp_path, {"feed.json": document(FEED, [SAMPLE, GONE, OTHER], SITE)})
    assert {entry.title for entry in entries} == {SAMPLE.article.title, f"Withdrawn: {GONE.title}", "Another one"}
    sample = next(entry for entry in entries if entry.id == ID)
    assert (sample.published, sample.updated, sample.authors_str) == (PUBLISHED, UPDATED, "Ada Writer")
    assert sample.link == SITE.article_url("leg-spasticity")


def test_references_are_there_as_data_with_their_standing() -> None:
    (item,) = json.loads(render(SAMPLE, SITE))["items"]
    extension: dict[str, Any] = item["_citewire"]
    states = [(each["number"], each["state"], each["id"], each.get("editorial")) for each in extension["references"]]
    assert states == [
        (1, "resolved", "90000001", None),
        (2, "resolved", "90000002", ["retracted", "erratum"]),
        (3, "unresolved", "90000003", None),
        (4, "unresolved", "10.5555/unheard.of", None),
        (5, "unresolved", "https://guidelines.example.org/spasticity?v=2&lang=en", None),
    ]
    assert extension["reviewers"][0]["credentials"] == "MD, PhD"
    assert extension["topics"][0]["mesh"] == "D009128"
    assert (extension["revision"], extension["reviewed"]) == (2, "2025-03-09")


def test_a_withdrawn_article_is_named_in_the_feed_and_its_item_says_so() -> None:
    feed = json.loads(document(FEED, [OTHER, WITHDRAWAL], SITE))
    assert [item["title"] for item in feed["items"]] == ["Another one", f"Withdrawn: {WITHDRAWAL.title}"]
    assert feed["items"][1]["id"] == ID and "The evidence did not hold" in feed["items"][1]["content_html"]
    (gone,) = feed["_citewire"]["withdrawn"]
    assert (gone["id"], gone["at"], gone["reason"]) == (ID, "2025-04-01T12:00:00Z", WITHDRAWAL.reason)


def test_a_tombstone_is_the_same_item_with_the_reason_for_text() -> None:
    (item,) = json.loads(tombstone(WITHDRAWAL, SITE))["items"]
    assert (item["id"], item["content_text"]) == (ID, WITHDRAWAL.reason)
    assert item["_citewire"]["withdrawn"]["revision"] == 3
    assert "content_html" not in item


def test_the_feed_names_its_hubs_and_itself() -> None:
    feed = json.loads(document(FEED, [], SITE))
    assert feed["feed_url"] == "https://notes.example.org/feeds/latest.json"
    assert feed["hubs"] == [{"type": "WebSub", "url": "https://notes.example.org/hub"}]
    assert feed["items"] == []


def test_the_sample_and_its_tombstone_are_as_they_were(golden: Golden) -> None:
    golden("sample.feed.json", render(SAMPLE, SITE))
    golden("tombstone.feed.json", tombstone(WITHDRAWAL, SITE))
