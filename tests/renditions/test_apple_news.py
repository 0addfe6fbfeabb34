"""Apple News: how an article's parts become components. Its judge runs in test_every_judge.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from articles import ARTICLE, REFERENCES, SAMPLE, SITE, STRANGE, WITHDRAWAL, item, revision_of, text
from judges.apple_news import apple_news_findings, components
from msgspec.structs import replace

from pipeline.model.article import (
    Article,
    Block,
    BulletList,
    CallToAction,
    Cell,
    Image,
    ListItem,
    Note,
    NumberedList,
    Quotation,
    Table,
    Text,
)
from pipeline.model.revision import Revision
from pipeline.renditions import formats
from pipeline.renditions.apple_news import FORMAT

Document = dict[str, Any]


def document_of(revision: Revision) -> Document:
    document: Document = json.loads(FORMAT.render(revision, SITE))
    return document


def with_lead(*blocks: Block) -> list[Document]:
    """The components of those blocks alone."""
    bare = document_of(revision_of(Article(id="x", title="X", answer="A")))["components"]
    full = document_of(revision_of(Article(id="x", title="X", answer="A", lead=blocks)))["components"]
    return [component for component in full if component not in bare]


# --- the judge ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "component",
    [
        {"role": "body", "format": "html", "text": "x", "layout": "nowhere"},
        {"role": "body", "format": "html", "text": "x", "layout": "text", "textStyle": "undefined"},
        {"role": "body", "format": "html", "text": "x", "layout": "text", "style": "undefined"},
        {"role": "body", "format": "html", "text": "<h2>x</h2>", "layout": "text"},
        {"role": "body", "format": "html", "text": '<p class="x">x</p>', "layout": "text"},
        {"role": "body", "format": "html", "text": '<a href="#ref-99">x</a>', "layout": "text"},
        {"role": "body", "format": "html", "text": '<a href="javascript:x">x</a>', "layout": "text"},
        {"role": "body", "format": "html", "text": "<p>x", "layout": "text"},
        {"role": "body", "text": " ", "layout": "text"},
        {"role": "htmltable", "html": '<table class="x"><tr><td>x</td></tr></table>', "layout": "text"},
        {"role": "photo", "URL": "https://example.org/a.svg", "layout": "text"},
        {"role": "paragraph", "text": "x", "layout": "text"},
        {"role": "body", "text": "x", "identifier": "ref-1", "layout": "text"},
    ],
)
def test_the_judge_refuses_what_apple_refuses(component: Document) -> None:
    document = document_of(SAMPLE)
    document["components"].append(component)
    assert apple_news_findings(json.dumps(document).encode())


# --- what it says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body"),
    [("apple-news", FORMAT.render(SAMPLE, SITE)), ("apple-news-tombstone", FORMAT.tombstone(WITHDRAWAL, SITE))],
)
def test_the_sample_is_written_as_before(name: str, body: bytes, golden: Callable[[str, bytes], None]) -> None:
    golden(f"{name}.json", (json.dumps(json.loads(body), ensure_ascii=False, indent=1) + "\n").encode())


def test_it_is_found_as_a_format() -> None:
    assert formats()["apple-news"] is FORMAT
    assert (FORMAT.media_type, FORMAT.extension) == ("application/json", "apple-news")


def test_every_style_and_layout_that_is_defined_has_a_use() -> None:
    notes = tuple(Note(kind, (text("x"),)) for kind in ("important", "warning", "urgent", "info"))
    document = document_of(replace(SAMPLE, article=replace(ARTICLE, lead=notes)))
    documents = [document, document_of(STRANGE["deep"])]
    used = {name: {c.get(name) for d in documents for c in components(d)} for name in ("textStyle", "style", "layout")}
    assert used["textStyle"] >= set(document["componentTextStyles"])
    assert used["style"] >= set(document["componentStyles"])
    assert used["layout"] >= set(document["componentLayouts"])


def test_the_metadata_says_who_when_and_what() -> None:
    metadata = document_of(SAMPLE)["metadata"]
    assert metadata["authors"] == ["Ada Writer"]
    assert metadata["canonicalURL"] == "https://notes.example.org/articles/leg-spasticity"
    assert metadata["datePublished"] == "2025-03-02T09:30:00Z"
    assert metadata["dateModified"] == "2025-03-14T16:05:09Z"
    assert metadata["keywords"] == ["Spasticity", "Stroke"]
    assert metadata["thumbnailURL"] == "https://notes.example.org/img/legs.png"


def test_a_note_is_a_container_that_stands_out() -> None:
    (note,) = with_lead(Note("urgent", (text("Call now."), Table(((Cell((Text("x"),)),),)))))
    assert (note["role"], note["style"]) == ("container", "note-urgent")
    assert [inner["role"] for inner in note["components"]] == ["body", "body", "htmltable"]
    assert "When to seek urgent care" in note["components"][0]["text"]


def test_paragraphs_and_lists_share_one_body() -> None:
    (body,) = with_lead(text("One."), BulletList((item("two", NumberedList((item("three"),))),)), text("Four."))
    assert body["text"] == "<p>One.</p><ul><li>two<ol><li>three</li></ol></li></ul><p>Four.</p>"


def test_what_html_cannot_hold_stands_after_the_list_it_is_in() -> None:
    table, picture = Table(((Cell((Text("cell"),)),),)), Image("https://example.org/a.png", "alt")
    listed = with_lead(BulletList((item("first", table), ListItem((picture,)))), text("Next."))
    assert [component["role"] for component in listed] == ["body", "htmltable", "photo", "body"]
    assert listed[0]["text"].startswith("<ul><li>first</li>")
    quoted = with_lead(Quotation((text("said"), picture), source="Someone"))
    assert [component["role"] for component in quoted] == ["quote", "photo"]
    assert quoted[0]["text"] == "<p>said</p><p>— Someone</p>"


def test_a_list_that_starts_elsewhere_says_its_numbers() -> None:
    (body,) = with_lead(NumberedList((item("three"), item("four")), start=3))
    assert body["text"] == "<ul><li>3. three</li><li>4. four</li></ul>"


def test_a_picture_of_a_kind_that_apple_does_not_show_becomes_a_link() -> None:
    (link,) = with_lead(Image("https://example.org/a.svg?x=1&y=2", "A diagram"))
    assert link["text"] == '<p><a href="https://example.org/a.svg?x=1&amp;y=2">A diagram</a></p>'


def test_a_photo_has_its_alternative_text_caption_and_credit() -> None:
    photo, caption = with_lead(Image("https://example.org/a", "Alt & more", 1, 1, "Caption", "Credit"))
    assert (photo["role"], photo["accessibilityCaption"], caption["text"]) == ("photo", "Alt & more", "Caption Credit")


def test_a_call_to_action_is_a_button_where_it_leads_somewhere() -> None:
    calls = (CallToAction("Go", "https://example.org/"), CallToAction("Call us", None, "Any time."))
    document = document_of(revision_of(Article(id="x", title="X", answer="A", calls_to_action=calls)))
    (button,) = [component for component in components(document) if component["role"] == "link_button"]
    assert (button["text"], button["URL"]) == ("Go", "https://example.org/")
    assert {"Call us", "Any time."} <= {component.get("text") for component in components(document)}


def test_a_marked_reference_stands_out_and_a_sound_one_does_not() -> None:
    found = {c["identifier"]: c for c in components(document_of(SAMPLE)) if c.get("identifier", "").startswith("ref-")}
    assert len(found) == len(REFERENCES)
    assert found["ref-2"]["style"] == "marked"
    assert found["ref-2"]["text"].startswith("<p>2. <strong>Retracted</strong> ")
    assert "style" not in found["ref-1"]


def test_plain_text_is_never_read_as_markup() -> None:
    document = document_of(revision_of(Article(id="x", title="<b>x</b> & y", answer="<script>alert(1)</script>")))
    title, *_ = components(document)
    assert (title["text"], title["format"]) == ("<b>x</b> & y", "none")
    (intro,) = [component for component in components(document) if component["role"] == "intro"]
    assert intro["text"] == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"


def test_a_tombstone_says_why() -> None:
    document = json.loads(FORMAT.tombstone(WITHDRAWAL, SITE))
    assert document["identifier"] == ARTICLE.id
    assert document["components"][1]["text"] == "This article has been withdrawn"
    assert "The evidence did not hold: see &lt;our statement&gt; &amp; ask." in document["components"][-1]["text"]
