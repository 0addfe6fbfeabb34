"""Pages saved as text other than the seed: recognised by their layout, not by their words."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.model.article import Article, BulletList, CitedWork, ListItem, Note, NumberedList, Paragraph, Text

SITE = ("For First Time Users", "What is this?", "Ask me instead", "Thinking about asking ChatGPT?*")


def read(text: str) -> Article:
    """As an operator reads whose settings name what the site sets around its articles."""
    return read_article(text.encode(), name="page.txt", drop=SITE)


def p(text: str) -> Paragraph:
    return Paragraph((Text(text),))


PAGE = """Doctors Note Logo

Published on: 3/9/2026

Waking at 3 a.m.? What Helps & When to Worry

Waking early is common with age.

It is worth a visit if it lasts a month.

answer background

Explanation

Waking at 3 a.m.? What Helps & When to Worry

Most people wake several times a night.


Why Does It Happen?

Common reasons include:

  • Stress
      ◦ at work
      ◦ at home
          • quarrels
  • Alcohol

Sleep Stages Explained

Sleep comes in cycles.


What Can You Do?

1. Keep Regular Hours

Get up at the same time.

2. Leave the Bed

If you are awake for long:

  1. get up
  2. read something dull
  3. go back when you are sleepy

Warning: Sleeping tablets can make breathing pauses worse.


(References)

  • * pubmed.ncbi.nlm.nih.gov/123/

  • PMID: 456

  • Roe J. Sleep. J Sleep. 2020. doi: 10.1000/Sleep.1.

  • 10.1000/sleep.1

Thinking about asking ChatGPT?Ask me instead

Was this page helpful?

Learn more about diseases

Insomnia

Sleep Apnea

For First Time Users

What is this?

Purpose and positioning of services

This service is for informational purposes.
"""


def test_a_page_set_in_the_same_way_gives_the_same_parts() -> None:
    article = read(PAGE)
    assert article.title == "Waking at 3 a.m.? What Helps & When to Worry"
    assert article.published == dt.datetime(2026, 3, 9, tzinfo=dt.UTC)
    assert article.answer == "Waking early is common with age.\n\nIt is worth a visit if it lasts a month."
    assert article.lead == (p("Most people wake several times a night."),)
    assert [s.heading for s in article.sections] == ["Why Does It Happen?", "What Can You Do?"]
    assert [s.heading for s in article.sections[0].sections] == ["Sleep Stages Explained"]
    assert [s.heading for s in article.sections[1].sections] == ["1. Keep Regular Hours", "2. Leave the Bed"]
    assert [topic.slug for topic in article.topics] == ["insomnia", "sleep-apnea"]
    assert article.disclaimer == "Purpose and positioning of services: This service is for informational purposes."


def test_deeper_indentation_is_a_deeper_list() -> None:
    blocks = read(PAGE).sections[0].blocks
    quarrels = BulletList((ListItem((p("quarrels"),)),))
    reasons = BulletList((ListItem((p("at work"),)), ListItem((p("at home"), quarrels))))
    assert blocks[1] == BulletList((ListItem((p("Stress"), reasons)), ListItem((p("Alcohol"),))))


def test_numbered_lines_together_are_a_list_and_alone_they_are_headings() -> None:
    steps = read(PAGE).sections[1].sections[1]
    assert steps.blocks[1] == NumberedList(
        tuple(ListItem((p(text),)) for text in ("get up", "read something dull", "go back when you are sleepy"))
    )
    assert isinstance(steps.blocks[2], Note) and steps.blocks[2].kind == "warning"


def test_references_are_read_in_every_form_and_joined() -> None:
    assert read(PAGE).references == (
        CitedWork("pmid", "123"),
        CitedWork("pmid", "456"),
        CitedWork("doi", "10.1000/sleep.1"),
    )


def test_references_without_an_identifier_stay_in_the_body() -> None:
    article = read("Title\n\nText.\n\n(References)\n\n  • PMID: 1\n\n  • Roe J. A Book on Sleep. 2001.\n")
    assert article.references == (CitedWork("pmid", "1"),)
    assert article.sections[-1].heading == "References"
    assert article.sections[-1].blocks == (BulletList((ListItem((p("Roe J. A Book on Sleep. 2001."),)),)),)


def test_bare_identifiers_at_the_end_are_references_without_a_heading() -> None:
    article = read("Title\n\nSome text.\n\nMore text.\n\n  • pubmed.ncbi.nlm.nih.gov/77/\n  • PMC123\n")
    assert article.references == (CitedWork("pmid", "77"), CitedWork("pmcid", "PMC123"))


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        ("Is It Safe?", True),
        ("The Bottom Line", True),
        ("What to Ask Your Doctor", True),
        ("Take it with food.", False),
        ("Common Side Effects Include:", False),
        ("this line is a remark", False),
        ("So what now?", False),
        ("But anyone can get it!", False),
    ],
)
def test_a_line_alone_after_one_blank_line_is_a_heading_if_it_reads_like_one(line: str, is_heading: bool) -> None:
    article = read(f"Title\n\nFirst.\n\nSecond.\n\n{line}\n\nText under it.\n")
    assert bool(article.sections) is is_heading


def test_two_blank_lines_make_a_heading_of_a_line_in_sentence_case() -> None:
    article = read("Title\n\nFirst.\n\nSecond.\n\n\nWhat happens next\n\nText.\n")
    assert [section.heading for section in article.sections] == ["What happens next"]


def test_a_prompt_between_two_sections_leaves_their_levels_alone() -> None:
    article = read("Title\n\nText.\n\n\nFirst Part\n\nText.\n\n\nAsk me instead\n\nSecond Part\n\nText.\n")
    assert [section.heading for section in article.sections] == ["First Part", "Second Part"]


def test_wrapped_lines_are_one_paragraph() -> None:
    article = read("Title\n\nThe first line of an answer\nand its second line.\n\n  • an item that\n    goes on\n")
    assert article.answer == "The first line of an answer and its second line."
    assert article.lead == (BulletList((ListItem((p("an item that goes on"),)),)),)


def test_bylines_and_other_dates_are_fields() -> None:
    article = read(
        "Title\n\nPublished: February 3, 2026\n\nUpdated on: 2026-02-04\n\nLast reviewed: 5 Feb 2026\n\n"
        "Written by: Jane Roe, MD\n\nMedically reviewed by Amir Haddad, MD, FAAN\n\nText.\n"
    )
    assert article.published == dt.datetime(2026, 2, 3, tzinfo=dt.UTC)
    assert article.modified == dt.datetime(2026, 2, 4, tzinfo=dt.UTC)
    assert article.reviewed == dt.date(2026, 2, 5)
    assert [(a.name, a.credentials) for a in article.authors] == [("Jane Roe", "MD")]
    assert [(r.name, r.credentials) for r in article.reviewers] == [("Amir Haddad", "MD, FAAN")]
    assert article.answer == "Text."


def test_a_date_that_is_none_is_named_with_its_line() -> None:
    with pytest.raises(InvalidArticle) as caught:
        read("Some Logo\n\nPublished on: 31/31/2026\n\nSleeping badly at night\n\nSleeping badly at night is common.\n")
    assert (caught.value.file, caught.value.line, caught.value.field) == ("page.txt", 3, "published")


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("Try Ubie's free AI-powered Sleep Apnea symptom checker today.", "Sleep Apnea symptom checker"),
        ("Our free symptom checker takes a minute.", "Symptom checker"),
        ("You can use Ubie’s Irritable Bowel (IBS) symptom checker.", "Irritable Bowel (IBS) symptom checker"),
    ],
)  # fmt: skip
def test_a_symptom_checker_is_called_by_its_name(sentence: str, label: str) -> None:
    (action,) = read(f"Title\n\nText.\n\nMore. {sentence} And more.\n").calls_to_action
    assert (action.label, action.text) == (label, sentence)


def test_a_page_of_one_line_says_nothing() -> None:
    with pytest.raises(InvalidArticle) as caught:
        read("Only a Title\n")
    assert caught.value.code == "article-empty"


MENU = "Health Daily\n\nHome\n\nFind a doctor\n\nConditions\n\nSign in\n\nWe use cookies to make this site better.\n\n"
TEXT = (
    "Night cramps are painful contractions of the calf muscles. They are common in pregnancy and with age.\n\n"
    "Stretching the calves before bed makes cramps at night rarer. Warm the muscles first, and drink enough.\n"
)


def test_the_headline_is_the_line_that_the_text_speaks_of() -> None:
    article = read(f"{MENU}Night cramps in the calf muscles\n\n{TEXT}")
    assert article.title == "Night cramps in the calf muscles"
    assert article.answer.startswith("Night cramps are painful contractions")
    assert "cookies" not in article.answer and article.sections == ()


def test_a_page_without_a_line_that_the_text_speaks_of_is_refused() -> None:
    with pytest.raises(InvalidArticle) as caught:
        read(f"{MENU}{TEXT}")
    assert (caught.value.code, caught.value.line) == ("headline-not-found", 1)
    assert caught.value.hint is not None and "[intake] drop" in caught.value.hint


def test_what_is_above_the_text_can_be_named_in_the_settings() -> None:
    drop = ("Health Daily", "Home", "Find a doctor", "Conditions", "We use cookies*", "sign IN", ".share-bar")
    article = read_article(f"{MENU}Why at night?\n\n{TEXT}".encode(), name="page.txt", drop=drop)
    assert article.title == "Why at night?"


def test_the_summary_stands_between_a_headline_and_the_same_above_the_text() -> None:
    article = read(f"Logo\n\nWhy at night?\n\nIn short.\n\nThe long answer\n\nWhy at night?\n\n{TEXT}")
    assert (article.title, article.answer) == ("Why at night?", "In short.")
