"""A page of our own, saved as text: everything that its reader needs comes out, and none of the page's furniture.

What `test_seed_page` holds of a real page is held here wherever the real one is not at hand.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from page_words import all_words, words

from pipeline.intake import read_article
from pipeline.model.article import Article, Note

PAGE = Path(__file__).parent / "cases" / "saved-page.txt"
SITE = ("Night Notes Logo", "Tell your friends*")  # as its operator would name it


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def article(text: str) -> Article:
    return read_article(text.encode(), name=PAGE.name, drop=SITE)


def notes(article: Article, heading: str) -> list[Note]:
    section = next(section for section in article.sections if section.heading == heading)
    return [block for block in section.blocks if isinstance(block, Note)]


def test_the_headline_the_date_and_the_answer_come_out(article: Article) -> None:
    assert article.title == "Restless Legs at Night? Why Iron Matters & What Helps"
    assert article.published == dt.datetime(2026, 3, 14, tzinfo=dt.UTC)
    assert article.answer.startswith("For restless legs that begin in the evening, low iron stores")
    assert article.answer.endswith("warning signs and next steps.")


def test_every_section_comes_out_with_its_subsections(article: Article) -> None:
    assert [(section.heading, [inner.heading for inner in section.sections]) for section in article.sections] == [
        ("What Is Restless Legs Syndrome?", []),
        ("Why Iron Matters", ["How Iron Is Measured"]),
        ("Ways to Treat It", ["1. Iron (Tablets or Infusion)", "2. Other Medicines (When Needed)"]),
        ("Possible Side Effects", []),
        ("When Should You Seek Medical Attention?", []),
        ("Not Sure If It's Restless Legs?", []),
        ("The Bottom Line", []),
    ]


def test_every_line_of_the_body_is_kept(article: Article, text: str) -> None:
    body = text.partition("Explanation\n")[2].partition("(References)")[0]
    lines = [line.strip().removeprefix("•").strip() for line in body.splitlines() if line.strip()]
    words_found = {article.title, *words(article.lead), *all_words(article.sections)}
    assert len(lines) > 40
    assert [line for line in lines if line not in words_found] == []


def test_the_important_note_holds_its_list(article: Article) -> None:
    (note,) = notes(article, "Possible Side Effects")
    assert note.kind == "important"
    assert list(words(note.blocks)) == [
        "Important: Keep iron tablets away from children. An overdose can cause:",
        "Vomiting",
        "Liver damage",
        "Coma (in severe cases)",
    ]


def test_the_urgent_list_is_an_urgent_note(article: Article) -> None:
    (note,) = notes(article, "When Should You Seek Medical Attention?")
    assert (note.kind, len(list(words(note.blocks)))) == ("urgent", 4)


def test_the_references_the_topic_the_call_to_action_and_the_disclaimer_come_out(article: Article) -> None:
    assert [(work.scheme, work.value) for work in article.references] == [("pmid", "90200001"), ("pmid", "90200002")]
    assert [topic.slug for topic in article.topics] == ["restless-legs"]
    assert [action.label for action in article.calls_to_action] == ["Restless Legs symptom checker"]
    assert article.disclaimer is not None
    assert article.disclaimer.endswith("please contact us.")


def test_none_of_the_furniture_comes_out(article: Article) -> None:
    words_found = msgspec.json.encode(article).decode().lower()
    furniture = ("logo", "answer background", "(references)", "tell your friends", "love to help", "was this page")
    assert [word for word in furniture if word in words_found] == []
