"""The article's own page: one that search engines, feed readers and screen readers find their way in.

Its judges run over every article in test_every_judge.py.
"""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from articles import SAMPLE, SITE, STRANGE, revision_of
from judges.dom import tree
from judges.page import html_findings, page_findings
from msgspec.structs import replace

from pipeline.model.article import Article, Section
from pipeline.model.site import Feed
from pipeline.renditions.html import FORMAT

# --- the judges ---------------------------------------------------------------------------------------------------


def test_the_checker_can_find_something() -> None:
    assert html_findings(FORMAT.render(SAMPLE, SITE).replace(b"</h1>", b"</h2>")) != []


@pytest.mark.parametrize(
    ("good", "bad", "finding"),
    [
        (b'id="ref-2"', b'id="ref-1"', "the id ref-1 repeats"),
        (b'id="causes"', b'id="reasons"', "nothing has the id causes"),
        (b'id="cw-share"', b"", "nothing has the id cw-share"),
        (b'ld+json">{', b'ld+json">{,', "not JSON"),
        (b'application/ld+json">', b'text/plain">', "0 JSON-LD scripts"),
        (b'"lastReviewed":"2025', b'"lastReviewed":"in 2025', "does not fit the range ['Date']"),
    ],
)
def test_our_own_judge_finds_what_the_checker_lets_pass(good: bytes, bad: bytes, finding: str) -> None:
    page = FORMAT.render(SAMPLE_LONG, SITE)
    assert good in page
    assert any(finding in found for found in page_findings(page.replace(good, bad)))


# --- the head -----------------------------------------------------------------------------------------------------


def test_the_head_names_the_amp_page_the_feeds_and_what_previews_show() -> None:
    feeds = (
        Feed(id="latest", title="Latest"),
        Feed(id="stroke", title="Stroke", topics=("stroke",)),
        Feed(id="skin", title="Skin", topics=("skin",)),
    )
    page = tree(FORMAT.render(SAMPLE, replace(SITE, feeds=feeds, public_url="https://feeds.example.org")))
    assert page.xpath("//link[@rel='amphtml']/@href") == ["https://feeds.example.org/articles/leg-spasticity.amp"]
    assert page.xpath("//link[@rel='alternate']/@href") == [
        f"https://feeds.example.org/feeds/{feed}.{extension}"
        for feed in ("latest", "stroke")
        for extension in ("rss", "atom", "json")
    ]
    properties = dict(zip(page.xpath("//meta/@property"), page.xpath("//meta[@property]/@content"), strict=True))
    assert properties["og:title"] == SAMPLE.article.title
    assert properties["og:url"] == "https://notes.example.org/articles/leg-spasticity"
    assert properties["og:image"] == "https://notes.example.org/img/legs.png"
    assert properties["article:modified_time"] == "2025-03-14T16:05:09Z"


def test_the_linked_data_stands_in_the_page_and_says_what_the_page_says() -> None:
    (script,) = tree(FORMAT.render(SAMPLE, SITE)).xpath("//script")
    data = json.loads(script.text)
    assert data["@type"] == "MedicalWebPage"
    assert data["lastReviewed"] == "2025-03-09"
    assert "hasPart" not in data  # the text is in the page already


@pytest.mark.parametrize(
    ("answer", "description"),
    [
        ("Short.", "Short."),
        ("One.\n\nTwo.", "One. Two."),
        ("word " * 60, "word " * 39 + "word…"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_the_description_is_the_beginning_of_the_answer_cut_between_words(answer: str, description: str) -> None:
    page = tree(FORMAT.render(revision_of(Article(id="a", title="T", answer=answer)), SITE))
    assert page.xpath("//meta[@name='description']/@content") == [description]


# --- the body -----------------------------------------------------------------------------------------------------


def test_a_reader_is_warned_of_retracted_studies_before_the_answer() -> None:
    page = tree(FORMAT.render(SAMPLE, SITE))
    (alert,) = page.xpath("//aside[@class='alert'][following::section[@class='short-answer']]")
    assert alert.xpath(".//a/@href") == ["#ref-2"]
    assert "retracted" in alert.text_content()
    assert page.xpath("//li[@id='ref-2']//*[contains(@class, 'mark-retracted')]/text()") == ["Retracted"]


def test_references_that_nothing_befell_raise_no_alarm() -> None:
    sound = tuple(cited for cited in SAMPLE.references if not (cited.reference and cited.reference.editorial))
    assert not tree(FORMAT.render(replace(SAMPLE, references=sound), SITE)).xpath("//*[@class='alert']")


def test_the_answer_stands_before_the_contents_and_these_before_the_body() -> None:
    page = tree(FORMAT.render(SAMPLE_LONG, SITE))
    order = " ".join(page.xpath("//article/*/@class"))
    assert order == "head alert short-answer contents body next evidence more share small-print"


def test_long_articles_have_contents_and_short_ones_none() -> None:
    links = " ".join(tree(FORMAT.render(SAMPLE_LONG, SITE)).xpath("//nav[@class='contents']//a/@href"))
    assert links == "#what-it-is #causes #treatments #after #cw-references"
    assert not tree(FORMAT.render(SAMPLE, SITE)).xpath("//nav[@class='contents']")


def test_contents_of_very_many_headings_keep_to_the_first_level() -> None:
    inner = tuple(Section(f"Inner {n}", f"inner-{n}") for n in range(30))
    sections = tuple(Section(f"Outer {n}", f"outer-{n}", (), inner if n == 0 else ()) for n in range(3))
    page = tree(FORMAT.render(revision_of(Article(id="a", title="T", answer="A", sections=sections)), SITE))
    assert page.xpath("//nav[@class='contents']//a/@href") == ["#outer-0", "#outer-1", "#outer-2"]


def test_headings_leave_out_no_level() -> None:
    page = tree(FORMAT.render(SAMPLE, SITE))
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_can_be_scrolled_by_keyboard() -> None:
    for box in tree(FORMAT.render(SAMPLE, SITE)).xpath("//table/.."):
        assert (box.get("class"), box.get("tabindex"), box.get("role")) == ("scroll", "0", "region")


def test_a_table_that_is_only_written_of_stays_text() -> None:
    page = FORMAT.render(revision_of(Article(id="a", title="<table>", answer="</table><table>")), SITE)
    assert not tree(page).xpath("//table")


def test_words_of_ours_in_a_page_of_another_language_say_that_they_are_english() -> None:
    persian = replace(STRANGE["arabic"], article=replace(STRANGE["arabic"].article, language="fa"))
    page = tree(FORMAT.render(persian, SITE))
    assert (page.get("lang"), page.get("dir")) == ("fa", "rtl")
    for heading in page.xpath("//h2[starts-with(@id, 'cw-')]"):
        assert (heading.get("lang"), heading.get("dir")) == ("en", "ltr")
    for own in (SAMPLE, STRANGE["arabic"]):
        assert not tree(FORMAT.render(own, SITE)).xpath("//body//*[@lang]")


def test_sharing_needs_no_script_and_tells_nobody_who_reads() -> None:
    page = tree(FORMAT.render(STRANGE["hostile"], SITE))
    links = page.xpath("//aside[@class='share']//a/@href")
    assert [link.split("?")[0] for link in links] == [
        "mailto:",
        "https://wa.me/",
        "https://www.facebook.com/sharer/sharer.php",
        "https://twitter.com/intent/tweet",
    ]
    assert not page.xpath("//script[@src] | //iframe | //link[@rel='stylesheet'] | //img[contains(@src, 'facebook')]")


def test_nothing_of_a_hostile_article_becomes_markup() -> None:
    page = tree(FORMAT.render(STRANGE["hostile"], SITE))
    assert len(page.xpath("//script")) == 1
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert not [link for link in page.xpath("//@href") if link.lower().startswith("javascript:")]


SAMPLE_LONG = replace(
    SAMPLE, article=replace(SAMPLE.article, sections=(*SAMPLE.article.sections, Section("After", "after")))
)
