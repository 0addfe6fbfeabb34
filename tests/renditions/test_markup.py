"""The article's tree as HTML, whatever it contains."""

from __future__ import annotations

import datetime as dt
import html
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from articles import HOSTILE, REFERENCES, SAMPLE, SITE, STRANGE, WITHDRAWAL, revision_of, revisions, text
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from pipeline.flattening import blocks_text, sections_text
from pipeline.model.article import (
    Article,
    BulletList,
    Cell,
    CitedWork,
    Emphasis,
    Image,
    Link,
    ListItem,
    Marker,
    Note,
    Paragraph,
    Person,
    Preformatted,
    Section,
    Table,
    Text,
    Topic,
)
from pipeline.model.moment import rfc3339
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.renditions import formats
from pipeline.renditions.parts.content import content_html
from pipeline.renditions.parts.dates import date_text, dates_of
from pipeline.renditions.parts.evidence import references_html
from pipeline.renditions.parts.markup import blocks_html, inlines_html, link_html, section_id, sections_html
from pipeline.renditions.parts.people import people_html, person_text
from pipeline.renditions.parts.text import clean, escape

VOID = {"br", "img"}
ALLOWED = {
    *("a", "aside", "b", "blockquote", "caption", "cite", "code", "div", "em", "figcaption", "figure", "footer"),
    *("h2", "h3", "h4", "h5", "h6", "i", "li", "ol", "p", "pre", "small", "strong", "sub", "sup"),
    *("table", "tbody", "td", "th", "thead", "time", "tr", "u", "ul"),
    *("abbr", "bdi", "dd", "del", "dl", "dt", "ins"),
    *VOID,
}
INLINE_ONLY = {"p", "h2", "h3", "h4", "h5", "h6", "pre", "caption"}
BLOCKS = {"p", "ul", "ol", "table", "blockquote", "aside", "figure", "pre", "div", "h2", "h3", "h4", "h5", "h6"}


class Outline(HTMLParser):
    """Reads HTML as strictly as it was written: every element closed in its order, nothing where it may not be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        assert tag not in BLOCKS or not INLINE_ONLY.intersection(self.open), (self.open, tag)
        assert tag != "a" or "a" not in self.open, "a link within a link"
        assert len({name for name, _ in attrs}) == len(attrs)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs), attrs
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a marked section: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"a processing instruction: {data}")


def check(revision: Revision) -> None:
    html = content_html(revision, SITE)
    outline = Outline(html)
    ids = [attrs["id"] for _, attrs in outline.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in outline.seen:
        for name in ("href", "src"):
            if name in attrs:
                assert (attrs[name] or "").startswith(("https://", "http://", "mailto:")), attrs


@pytest.mark.parametrize("name", STRANGE)
def test_strange_articles_give_well_formed_html_of_known_elements(name: str) -> None:
    check(STRANGE[name])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(revisions())
def test_hostile_articles_give_well_formed_html_of_known_elements(revision: Revision) -> None:
    check(revision)


@pytest.mark.parametrize("word", HOSTILE)
def test_no_text_becomes_markup(word: str) -> None:
    assert inlines_html([Text(word)]).count("<") == 0
    assert '"' not in escape(word)


def test_the_answer_stands_before_everything_but_the_question() -> None:
    html = content_html(SAMPLE, SITE)
    places = [html.index(f'class="{name}"') for name in ("question", "answer", "marker", "references", "disclaimer")]
    assert places == sorted(places)


def test_markers_lead_to_the_references_of_the_page() -> None:
    html = blocks_html([Paragraph((Text("a"), Marker((1, 12))))])
    assert html == '<p>a<sup class="marker">[<a href="#ref-1">1</a>,<a href="#ref-12">12</a>]</sup></p>'
    assert 'id="ref-1"' in references_html(REFERENCES)


def test_in_a_feed_markers_lead_to_the_article_by_an_absolute_address() -> None:
    assert f'href="{SITE.article_url(SAMPLE.article.id)}#ref-2"' in content_html(SAMPLE, SITE)


def test_a_link_within_a_link_keeps_its_words_only() -> None:
    inner = (Link("https://b.example/", (Text("b"),)), Marker((1,)))
    html = inlines_html([Link("https://a.example/", (Emphasis(inner),))])
    assert html == '<a href="https://a.example/"><em>b<sup class="marker">[1]</sup></em></a>'


@pytest.mark.parametrize("href", ["javascript:alert(1)", "\x01javascript:alert(1)", "data:text/html,x", "/relative"])
def test_an_unsafe_address_is_no_link(href: str) -> None:
    assert link_html(href, "words") == "words"


def test_sections_deeper_than_six_levels_say_their_level() -> None:
    deep = Section("Deep", "deep")
    assert sections_html([deep], level=7) == '<h6 id="deep" aria-level="7">Deep</h6>'


def test_an_anchor_that_looks_like_a_reference_does_not_take_its_id() -> None:
    anchors = ["ref-1", "section-ref-1", "section-section-ref-1", "cw-top", "causes"]
    ids = [section_id(anchor) for anchor in anchors]
    assert len(set(ids)) == len(ids)
    assert not {"ref-1", "cw-top"}.intersection(ids)


def test_amp_may_write_its_own_images_within_the_same_figure() -> None:
    picture = Image("https://x.example/a.png", "Alt", 1, 2, "Caption", "Credit")
    html = blocks_html([BulletList((ListItem((picture,)),))], image=lambda image: f"<amp-img>{image.alt}</amp-img>")
    caption = '<figcaption>Caption <small class="credit">Credit</small></figcaption>'
    assert html == f"<ul><li><figure><amp-img>Alt</amp-img>{caption}</figure></li></ul>"


def test_a_note_says_what_it_is_once() -> None:
    assert "Important" in blocks_html([Note("important", (text("Do not stop."),))])
    assert blocks_html([Note("important", (text("Important: do not stop."),))]).count("mportant:") == 1
    assert "note-label" not in blocks_html([Note("important", (text("Important: do not stop."),))])


def test_leading_rows_of_headers_become_the_head_of_a_table() -> None:
    head, body = (Cell((Text("h"),), header=True),), (Cell((Text("r"),), header=True), Cell((Text("d"),)))
    html = blocks_html([Table((head, body, ()))])
    assert html == (
        '<table><thead><tr><th scope="col">h</th></tr></thead>'
        '<tbody><tr><th scope="row">r</th><td>d</td></tr></tbody></table>'
    )


def test_preformatted_text_keeps_its_first_newline() -> None:
    assert blocks_html([Preformatted("\n a")]) == "<pre>\n\n a</pre>"


def test_a_retracted_paper_is_marked_with_its_notice_linked() -> None:
    html = references_html(REFERENCES[1:2])
    assert '<strong class="mark mark-retracted">Retracted</strong>' in html
    assert '<a href="https://pubmed.ncbi.nlm.nih.gov/90000012/">Ann Examples. 2022;4:e2</a>' in html


@pytest.mark.parametrize("cited", REFERENCES[2:], ids=lambda cited: cited.work.scheme)
def test_what_is_not_known_is_linked_and_nothing_is_said_of_its_standing(cited: CitedReference) -> None:
    html = references_html([cited])
    assert "mark" not in html
    assert "href=" in html


def test_nlm_is_named_exactly_where_a_reference_came_from_pubmed() -> None:
    assert "U.S. National Library of Medicine" in content_html(SAMPLE, SITE)
    assert "National Library" not in content_html(revision_of(SAMPLE.article), SITE)
    record = REFERENCES[0].reference
    assert record is not None
    of_crossref = replace(REFERENCES[0], work=CitedWork("doi", "10.5555/x"), reference=replace(record, pmid=None))
    assert "National Library" not in content_html(revision_of(SAMPLE.article, (of_crossref,)), SITE)


def test_people_are_parted_so_that_credentials_stay_with_their_owner() -> None:
    people = [Person("Ann", "MD, PhD", "Neurologist", "Hospital"), Person("Bob", url="https://b.example/")]
    assert people_html(people) == 'Ann, MD, PhD, Neurologist, Hospital; <a href="https://b.example/">Bob</a>'
    assert person_text(people[0]) == "Ann, MD, PhD, Neurologist, Hospital"


def test_plain_text_keeps_the_order_and_the_numbers() -> None:
    lines = sections_text(SAMPLE.article.sections)
    assert lines.index("What it is") < lines.index("3. Stroke") < lines.index("4. Multiple sclerosis")
    assert "- Spasms\n  - at night" in lines
    assert blocks_text([Paragraph((Text("a"), Marker((2, 4))))]) == "a[2,4]"


def test_characters_that_xml_forbids_are_left_out() -> None:
    assert clean("a\x00b\x0bc\x85d\ud800e\ufffef\U0001ffffg\th\ni🧠") == "abcdefg\th\ni🧠"


def test_a_character_is_left_out_if_xml_or_html_forbids_it_and_no_other_is() -> None:
    """XML 1.0, section 2.2; HTML, section 13.2.3.5, whose controls and noncharacters are Unicode's."""
    for code in range(0x110000):
        control = unicodedata.category(chr(code)) == "Cc" and chr(code) not in "\t\n\r"
        surrogate = 0xD800 <= code <= 0xDFFF
        noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
        assert (clean(chr(code)) == "") == (control or surrogate or noncharacter), hex(code)


def test_the_article_says_its_language_and_direction() -> None:
    assert content_html(STRANGE["arabic"], SITE).startswith('<div lang="ar" dir="rtl">')


def test_dates_are_written_in_the_language_of_the_words_beside_them() -> None:
    moment = dt.datetime(2025, 3, 1, 23, 30, 0, 999999, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
    assert date_text(moment, "en-GB") == "2 March 2025"
    assert date_text(moment, "ar") == "2 مارس 2025"
    assert date_text(moment, "sv") == "2 March 2025"  # for which there are no words
    assert rfc3339(moment) == "2025-03-02T01:30:00Z"


def test_an_article_is_never_published_after_it_was_updated() -> None:
    future = Article(id="f", title="F", answer="A", published=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))
    dates = dates_of(revision_of(future))
    assert dates.published <= dates.updated


@pytest.mark.parametrize("name", formats())
def test_no_format_stumbles_over_characters_that_no_article_may_hold(name: str) -> None:
    bad = "a\x00\x1b\ufffe\ud800b"
    article = Article(
        id="bad",
        title=bad,
        answer=bad,
        question=bad,
        lead=(text(bad), Image("https://x.example/\x00.png", bad)),
        sections=(Section(bad, "bad", (Preformatted(bad),)),),
        authors=(Person(bad, bad),),
        topics=(Topic(bad, "bad"),),
        canonical="https://x.example/\x07",
    )
    form = formats()[name]
    for body in (form.render(revision_of(article), SITE), form.tombstone(replace(WITHDRAWAL, reason=bad), SITE)):
        written = body.decode("utf-8")
        assert "ab" in written
        assert not {"\x00", "\x1b", "\ufffe"}.intersection(written)
        assert "\\u0000" not in written and "&#x0" not in written


@pytest.mark.parametrize("name", ["rss", "atom", "json-feed", "ninjs"])
def test_no_heading_takes_a_name_of_the_page_that_it_lands_in(name: str) -> None:
    anchors = ("location", "amp", "i-amphtml-x", "section-1", "ref-1")
    sections = tuple(Section(heading=f"On {anchor}", anchor=anchor, blocks=(text("x"),)) for anchor in anchors)
    body = formats()[name].render(revision_of(replace(SAMPLE.article, sections=sections)), SITE).decode()
    ids = re.findall(r"<h\d id=\\?\"([^\"\\]*)", html.unescape(body))
    assert ids == [f"section-{anchor}" for anchor in anchors]


@pytest.mark.parametrize("name", ["html", "amp"])
def test_no_heading_takes_a_name_of_amps_runtime(name: str) -> None:
    anchors = ("location", "amp", "amp-list", "i-amphtml-x", "amputation")
    sections = tuple(Section(heading=f"On {anchor}", anchor=anchor, blocks=(text("x"),)) for anchor in anchors)
    body = formats()[name].render(revision_of(replace(SAMPLE.article, sections=sections)), SITE).decode()
    kept = ["location", "section-amp", "section-amp-list", "section-i-amphtml-x", "amputation"]
    assert [one for one in re.findall(r"<h2 id=\"([^\"]*)", body) if not one.startswith("cw-")] == kept
