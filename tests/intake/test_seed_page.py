"""The real page saved as text: all of its content is kept, and none of the page's furniture."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from page_words import all_words, words

from pipeline.intake import read_article
from pipeline.model.article import Article, BulletList, Note, Paragraph, Section

HEADINGS = (
    "What Are Constant Muscle Spasms?",
    "Why Baclofen Works",
    "What Conditions Is Baclofen Approved For?",
    "Forms of Baclofen",
    "What Improvements Can You Expect?",
    "Possible Side Effects of Baclofen",
    "Medically Approved Steps Beyond Baclofen",
    "When Should You Seek Medical Attention?",
    "Not Sure If It's Spasticity?",
    "Is Baclofen Right for You?",
    "What to Discuss With Your Doctor",
    "The Bottom Line",
)
SUBHEADINGS = {
    "Why Baclofen Works": ["How Baclofen Works in the Body"],
    "Forms of Baclofen": ["1. Oral Baclofen (Pills or Liquid)", "2. Intrathecal Baclofen (Pump Therapy)"],
    "Medically Approved Steps Beyond Baclofen": [
        "1. Physical Therapy",
        "2. Occupational Therapy",
        "3. Other Medications (When Appropriate)",
        "4. Lifestyle Adjustments",
    ],
}
SITE = ("Doctors Note Logo", "Tell your friends*", "Thinking about asking ChatGPT?*")  # as its operator would name it
FURNITURE = (
    "logo", "answer background", "explanation", "(references)", "chatgpt", "tell your friends", "love to help them",
    "shiba", "first time users", "database of explanations", "learn more about", "was this page helpful",
    "published on",
)  # fmt: skip


@pytest.fixture(scope="module")
def text(data: Path) -> str:
    (file,) = (data / "seed").glob("*.txt")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def article(text: str) -> Article:
    return read_article(text.encode(), name="seed.txt", drop=SITE)


def _section(article: Article, heading: str) -> Section:
    return next(section for section in article.sections if section.heading == heading)


def test_the_headline_the_date_and_the_answer_come_out(article: Article) -> None:
    assert article.title == "Constant Spasms? Why Baclofen Works & Medically Approved Steps"
    assert article.id == "constant-spasms-why-baclofen-works-medically-approved-steps"
    assert article.published == dt.datetime(2026, 2, 23, tzinfo=dt.UTC)
    assert article.answer.startswith("For constant spasms from neurologic spasticity, baclofen helps by mimicking GABA")
    assert article.answer.endswith("alternatives, and when to seek urgent care.")


def test_every_section_comes_out_with_its_subsections(article: Article) -> None:
    assert tuple(section.heading for section in article.sections) == HEADINGS
    found = {s.heading: [sub.heading for sub in s.sections] for s in article.sections if s.sections}
    assert found == SUBHEADINGS


def test_the_lead_is_what_stands_before_the_first_heading(article: Article) -> None:
    assert [words.split()[0] for words in words(article.lead)] == ["Muscle", "One", "If"]


def test_every_bullet_of_the_page_is_a_list_item(article: Article, text: str) -> None:
    bullets = [line.strip().removeprefix("•").strip() for line in text.splitlines() if line.lstrip().startswith("•")]
    expected = [bullet for bullet in bullets if "pubmed" not in bullet]
    words_found = list(all_words(article.sections))
    assert len(expected) == 88
    assert [bullet for bullet in expected if bullet not in words_found] == []


def test_every_paragraph_of_the_body_is_kept(article: Article, text: str) -> None:
    body = text.partition("Explanation\n")[2].partition("(References)")[0]
    lines = [line.strip().removeprefix("•").strip() for line in body.splitlines() if line.strip()]
    words_found = [article.title, *words(article.lead), *all_words(article.sections)]
    assert [line for line in lines if line not in words_found] == []


def test_a_paragraph_that_ends_with_a_colon_introduces_a_list_and_heads_no_section(article: Article) -> None:
    first = _section(article, "What Are Constant Muscle Spasms?")
    kinds = [type(block) for block in first.blocks]
    assert kinds == [Paragraph, Paragraph, BulletList, Paragraph, BulletList, Paragraph]


def test_the_important_note_holds_its_list(article: Article) -> None:
    notes = [b for b in _section(article, "Possible Side Effects of Baclofen").blocks if isinstance(b, Note)]
    assert [note.kind for note in notes] == ["important"]
    assert list(words(notes[0].blocks)) == [
        "Important: Baclofen should never be stopped abruptly. Sudden withdrawal can cause:",
        "High fever",
        "Severe muscle rigidity",
        "Hallucinations",
        "Seizures (in rare cases)",
    ]


def test_the_urgent_list_is_an_urgent_note(article: Article) -> None:
    notes = [b for b in _section(article, "When Should You Seek Medical Attention?").blocks if isinstance(b, Note)]
    assert [note.kind for note in notes] == ["urgent"]
    words_found = list(words(notes[0].blocks))
    assert words_found[0] == "Speak to a doctor immediately if you experience:"
    assert len(words_found) == 7


def test_the_symptom_checker_is_a_call_to_action_once(article: Article) -> None:
    (action,) = article.calls_to_action
    assert action.label == "Spasticity symptom checker"
    assert action.text is not None and "free AI-powered Spasticity symptom checker" in action.text


def test_the_five_references_the_topic_and_the_disclaimer_come_out(article: Article) -> None:
    assert [work.value for work in article.references] == ["34187661", "33748956", "35303279", "38006124", "32375549"]
    assert {work.scheme for work in article.references} == {"pmid"}
    assert [(topic.name, topic.slug) for topic in article.topics] == [("Spasticity", "spasticity")]
    assert article.disclaimer is not None
    assert article.disclaimer.startswith("Purpose and positioning of services: Ubie Doctor's Note is a service")
    assert article.disclaimer.endswith("please contact us.")


def test_none_of_the_furniture_comes_out(article: Article) -> None:
    words_found = msgspec.json.encode(article).decode().lower()
    assert [word for word in FURNITURE if word in words_found] == []
    assert words_found.count("why baclofen works &") == 1
