"""Front matter of Hugo, Jekyll, Ghost and WordPress, read as those systems do; and dates, languages and drafts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import SourceFile, read_source
from pipeline.intake.review_date import check_review_date
from pipeline.model.reading import Read

NOW = dt.datetime(2026, 11, 28, 10, tzinfo=dt.UTC)


def read(text: str, name: str = "a.md") -> Read:
    return read_source(SourceFile(text.encode(), name))


def refused(text: str, name: str = "a.md") -> InvalidArticle:
    with pytest.raises(InvalidArticle) as caught:
        read(text, name)
    return caught.value


def case(data: Path, name: str) -> str:
    return (data / "cases" / "folder" / name).read_text(encoding="utf-8")


def test_jekylls_post_is_read_as_its_author_means_it(data: Path) -> None:
    found = read(case(data, "jekyll.md"))
    article = found.article
    assert article.published == dt.datetime(2026, 1, 2, 0, tzinfo=dt.UTC)
    assert [topic.slug for topic in article.topics] == ["cramps", "health", "sleep"]
    assert [person.name for person in article.authors] == ["Jane Roe"]
    assert article.answer == "Stretch before bed."
    assert {(warning.code, warning.field) for warning in found.warnings} >= {
        ("ignored-field", "layout"),
        ("ignored-field", "permalink"),
        ("template-code", "body"),
    }
    assert next(warning.line for warning in found.warnings if warning.code == "template-code") == 11


@pytest.mark.parametrize("name", ["hugo.md", "hugo-draft.md"])
def test_a_draft_of_hugo_is_not_published(data: Path, name: str) -> None:
    error = refused(case(data, name))
    assert (error.code, error.field, error.line) == ("draft", "draft", 4)


def test_a_page_of_hugo_is_read_from_its_toml(data: Path) -> None:
    found = read(case(data, "hugo-draft.md").replace("draft = true", "draft = false"))
    assert found.article.title == "Night cramps"
    assert found.article.published == dt.datetime(2026, 1, 2, 9, tzinfo=dt.UTC)
    (warning,) = found.warnings
    assert (warning.code, warning.line) == ("template-code", 9)


def test_tags_are_topics_where_there_are_none(data: Path) -> None:
    assert [topic.slug for topic in read(case(data, "tags-not-topics.md")).article.topics] == ["sleep"]


@pytest.mark.parametrize(
    "front_matter",
    [
        "draft: yes",
        "published: false",
        "status: draft",
        "status: pending",
        "status: private",
        "visibility: members",
        "password: x",
    ],
)
def test_what_is_not_for_the_public_is_not_published(front_matter: str) -> None:
    assert refused(f"---\ntitle: x\n{front_matter}\n---\nText.").code == "draft"
    key, _, value = front_matter.partition(": ")
    assert refused(json.dumps({"title": "x", "body": "Text.", key: value}), "a.json").code == "draft"


@pytest.mark.parametrize(
    "front_matter",
    ["draft: false", "published: true", "status: publish", "status: published", "visibility: public", "draft:"],
)
def test_what_is_for_the_public_is_published(front_matter: str) -> None:
    assert read(f"---\ntitle: x\n{front_matter}\n---\nText.").article.published is None


def test_a_field_of_ours_wins_over_theirs() -> None:
    found = read("---\ntitle: x\ndate: 2026-01-01\npublished: 2026-01-02\ntags: [a]\ntopics: [b]\n---\nText.")
    assert found.article.published == dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    assert [topic.slug for topic in found.article.topics] == ["b"]
    assert [(one.code, one.field) for one in found.warnings] == [("ignored-field", "date"), ("ignored-field", "tags")]


def test_a_name_that_is_none_of_theirs_is_refused_with_what_was_meant() -> None:
    error = refused("---\ntitle: x\nreveiwers: y\n---\nText.")
    assert (error.code, error.hint) == ("unknown-field", "did you mean 'reviewers'?")


def test_a_date_with_two_readings_is_refused_with_both() -> None:
    error = refused("---\ntitle: x\npublished: 03/04/2026\n---\nText.")
    assert "3 April 2026" in error.message
    assert "March 4, 2026" in error.message
    assert error.hint == "write 2026-04-03 or 2026-03-04"


@pytest.mark.parametrize(
    ("front_matter", "day"),
    [
        ("23/2/2026", "2026-02-23"),
        ("2/23/2026", "2026-02-23"),
        ("03/03/2026", "2026-03-03"),
        ("3.4.2026", "2026-04-03"),
        ("March 3, 2026", "2026-03-03"),
        ("3 March 2026", "2026-03-03"),
    ],
)
def test_a_date_with_one_reading_is_read(front_matter: str, day: str) -> None:
    published = read(f"---\ntitle: x\npublished: {front_matter}\n---\nText.").article.published
    assert published is not None
    assert published.date().isoformat() == day


@pytest.mark.parametrize(
    ("front_matter", "hint"),
    [
        ("english", 'write "en"'),
        ("eng", 'write "en"'),
        ("xx", 'write one such as "en" or "pt-BR" (BCP 47)'),
        ("jp", 'write "ja"'),
        ("en-UK", "write en-GB"),
        ("germn", 'write "de"'),
    ],
)
def test_a_language_that_is_none_is_refused(front_matter: str, hint: str) -> None:
    error = refused(f"---\ntitle: x\nlanguage: {front_matter}\n---\nText.")
    assert (error.field, error.hint) == ("language", hint)


def test_a_review_still_to_come_is_refused_and_the_next_one_is_a_field_of_its_own() -> None:
    article = read("---\ntitle: x\nreviewed: 2026-11-29\nnext_review: 2027-11-29\n---\nText.").article
    check_review_date(article, NOW)  # in Kiribati that day has begun
    assert article.next_review == dt.date(2027, 11, 29)
    with pytest.raises(InvalidArticle) as caught:
        check_review_date(article, NOW - dt.timedelta(days=1))
    assert (caught.value.code, caught.value.field) == ("review-to-come", "reviewed")


def test_the_fields_that_an_article_may_have_beside_are_read() -> None:
    matter = "short_title: S\naudience: patients\ntranslation_of: night-cramps\ncites_retracted: [9500320]"
    article = read(f"---\ntitle: x\n{matter}\n---\nText.").article
    assert (article.short_title, article.audience, article.translation_of) == ("S", "patients", "night-cramps")
    assert article.cites_retracted == ("9500320",)


def test_a_marker_without_its_reference_is_warned_of(data: Path) -> None:
    (warning,) = read(case(data, "refgap.md")).warnings
    assert (warning.code, "[4]" in warning.message) == ("marker-without-reference", True)


def test_a_published_date_ahead_is_read_for_the_schedule(data: Path) -> None:
    article = read(case(data, "future.md")).article
    assert article.published == dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    assert article.embargo == dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)
