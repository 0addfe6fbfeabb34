"""Markdown with front matter: every field, and every error with its line."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import SourceFile, read_article, read_source_as
from pipeline.model.article import (
    Article,
    CallToAction,
    CitedWork,
    Emphasis,
    Image,
    Paragraph,
    Person,
    RelatedLink,
    Strong,
    Text,
    Topic,
)


def read(text: str) -> Article:
    return read_article(text.encode(), name="a.md")


def refused(text: str) -> InvalidArticle:
    with pytest.raises(InvalidArticle) as caught:
        read(text)
    return caught.value


FULL = """---
id: a-b-1
title: "A &amp; B: no"
question: Is it so?
summary: |
  One
  line.

  Another.
published: 2026-02-23
modified: 2026-02-23T10:00:00+02:00
reviewed: 2/24/2026
authors: Jane Roe, MD, PhD
reviewers:
  - name: Amir
    credentials: MD
    role: Neurologist
    organization: Example
    url: https://example.org/amir
topics: [Sleep, {name: Muscle, slug: spasticity, mesh: d009128}]
language: pt_BR
image: {src: "https://example.org/i.png", alt: An i, width: 640px, height: 480, caption: C, credit: D}
canonical: https://EXAMPLE.org/ä b?q=<1>
calls_to_action:
  - Call us
  - {label: Check, url: https://example.org/check, text: Now}
related: [https://example.org/r, {title: R, url: https://example.org/r2}]
disclaimer: Ask a doctor.
license: CC BY 4.0
references: [012345, PMC1, 10.1/x]
embargo: 2026-02-22T00:00:00Z
---
Body.
"""


def test_every_field_is_read() -> None:
    full = FULL.replace("ä b?q=<1>", "%C3%A4?q=<1>").replace("10.1/x", "10.1000/X")
    article = read(full)
    assert article == Article(
        id="a-b-1",
        title="A &amp; B: no",
        question="Is it so?",
        answer="One line.\n\nAnother.",
        lead=(Paragraph((Text("Body."),)),),
        published=dt.datetime(2026, 2, 23, tzinfo=dt.UTC),
        modified=dt.datetime(2026, 2, 23, 8, tzinfo=dt.UTC),
        reviewed=dt.date(2026, 2, 24),
        authors=(Person("Jane Roe", "MD, PhD"),),
        reviewers=(Person("Amir", "MD", "Neurologist", "Example", "https://example.org/amir"),),
        topics=(Topic("Sleep", "sleep"), Topic("Muscle", "spasticity", "D009128")),
        language="pt-BR",
        image=Image("https://example.org/i.png", "An i", 640, 480, "C", "D"),
        canonical="https://example.org/%C3%A4?q=%3C1%3E",
        calls_to_action=(CallToAction("Call us"), CallToAction("Check", "https://example.org/check", "Now")),
        related=(RelatedLink("https://example.org/r", "https://example.org/r"), RelatedLink("R", "https://example.org/r2")),
        disclaimer="Ask a doctor.",
        licence="CC BY 4.0",
        references=(CitedWork("pmid", "12345"), CitedWork("pmcid", "PMC1"), CitedWork("doi", "10.1000/x")),
        embargo=dt.datetime(2026, 2, 22, tzinfo=dt.UTC),
    )  # fmt: skip


def test_a_title_and_a_body_are_enough() -> None:
    article = read("---\ntitle: A short one\n---\nFirst *words*.\n\nSecond.\n")
    assert (article.id, article.answer) == ("a-short-one", "First words.")
    assert article.marked_answer == (Text("First "), Emphasis((Text("words"),)), Text("."))
    assert article.lead == (Paragraph((Text("Second."),)),)


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    article = read("# The **title**\n\nText.\n\n## More\n\nText.\n")
    assert article.title == "The title"
    assert [section.heading for section in article.sections] == ["More"]


def test_a_heading_that_repeats_the_title_is_dropped() -> None:
    assert read("---\ntitle: The Title\n---\n# The title\n\nText.\n\nMore.\n").sections == ()
    assert [s.heading for s in read("---\ntitle: T\n---\n# Other\n\nText.\n").sections] == ["Other"]


def test_words_that_yaml_would_guess_at_stay_words() -> None:
    article = read("---\ntitle: No\nsummary: 12:30\nquestion: 1_000\nlicence: 0x10\n---\n")
    assert (article.title, article.answer, article.question, article.licence) == ("No", "12:30", "1_000", "0x10")


@pytest.mark.parametrize(
    ("matter", "line", "field", "code"),
    [
        ("titel: x", 2, "titel", "unknown-field"),
        ("title: x\npublished: 2026-02-30", 3, "published", "invalid-field"),
        ("title: x\npublished: yesterday", 3, "published", "invalid-field"),
        ("title: x\nreferences:\n  - 1\n  - book", 5, "references[1]", "invalid-field"),
        ("title: x\nauthors:\n  - name: y\n    url: ftp://z", 5, "authors[0].url", "invalid-field"),
        ("title: x\nauthors:\n  - nom: y", 4, "authors[0].nom", "unknown-field"),
        ("title: x\nimage:\n  alt: y", 3, "image.url", "invalid-field"),
        ("title: x\nimage: data:image/png;base64,xx", 3, "image", "invalid-field"),
        ("title: x\ncanonical: javascript:alert(1)", 3, "canonical", "invalid-field"),
        ("title: x\ncanonical: //example.org/x", 3, "canonical", "invalid-field"),
        ("title: x\ncanonical: https://a@b.org/", 3, "canonical", "invalid-field"),
        ("title: x\ncanonical: 'https://a.org\\@b.org'", 3, "canonical", "invalid-field"),
        ("title: x\nid: Not A Slug", 3, "id", "invalid-field"),
        ("title: x\nid: ../etc/passwd", 3, "id", "invalid-field"),
        ("title: x\nlanguage: Klingon language", 3, "language", "invalid-field"),
        ("title: x\ntopics:\n  - name: y\n    mesh: 12", 5, "topics[0].mesh", "invalid-field"),
        ("title: x\nlicense: a\nlicence: b", 4, "licence", "duplicate-field"),
        ("title: x\ntitle: y", 3, "title", "duplicate-field"),
        ("title: [x", 2, "front matter", "invalid-front-matter"),
        ("title: *x", 2, "front matter", "invalid-front-matter"),
        ("title: &x y", 2, "front matter", "invalid-front-matter"),
        ("- title", 2, "front matter", "invalid-front-matter"),
        ("[x]: y", 2, "front matter", "invalid-front-matter"),
    ],
)
def test_an_error_names_the_line_and_the_field(matter: str, line: int, field: str, code: str) -> None:
    error = refused(f"---\n{matter}\n---\nBody.\n")
    assert (error.file, error.line, error.field, error.code) == ("a.md", line, field, code)
    assert error.hint


def test_an_unknown_field_names_the_one_that_was_meant() -> None:
    assert refused("---\ntitle: x\nreveiwers: y\n---\nBody.").hint == "did you mean 'reviewers'?"


def test_a_bad_id_is_mended_with_the_slug_that_it_could_be() -> None:
    assert refused("---\ntitle: x\nid: Sleep & You!\n---\nBody.").hint == "write sleep-you"


def test_front_matter_that_never_ends_is_told() -> None:
    error = refused("---\ntitle: x\n\nBody.\n")
    assert (error.code, error.line) == ("invalid-front-matter", 1)


def test_a_missing_title_and_an_empty_body_are_told() -> None:
    assert refused("---\nid: x\n---\nBody.\n").code == "missing-field"
    assert refused("---\ntitle: x\n---\n<script>x</script>\n").code == "article-empty"
    assert refused(" \n\t\n").code == "article-empty"


def test_no_tag_of_yaml_builds_anything() -> None:
    error = refused("---\ntitle: !!python/object/apply:os.getcwd []\n---\nBody.\n")
    assert error.field == "title"


def test_a_file_is_read_by_its_media_type_too() -> None:
    data = b"# Title\n\nText."
    assert read_source_as("Text/Markdown; charset=utf-8", SourceFile(data, "x")).article == read(data.decode())
    with pytest.raises(InvalidArticle) as caught:
        read_source_as("image/png", SourceFile(data, "x"))
    assert caught.value.code == "unknown-source-format"


def test_a_file_of_no_known_extension_is_read_as_it_looks() -> None:
    assert read_article(b"# Title\n\n**Text**", name="x").marked_answer == (Strong((Text("Text"),)),)
    assert read_article(b'{"title": "T", "body": "x"}', name="x.data").title == "T"
    assert read_article(b"<h1>T</h1><p>x</p>", name="x").title == "T"
    assert read_article(b"Title\n\nText.", name="-").title == "Title"
