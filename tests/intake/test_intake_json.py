"""JSON articles: the same fields, a body in either form, and errors with lines."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.model.article import Emphasis, Paragraph, Text


def refused(text: str) -> InvalidArticle:
    with pytest.raises(InvalidArticle) as caught:
        read_article(text.encode(), name="a.json")
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        {"body": "*Now* & here."},
        {"body": "<p><em>Now</em> &amp; here.</p>"},
        {"body": "<em>Now</em> & here.", "body_format": "html"},
        {"body": "<em>Now</em> & here.\n", "body_format": "markdown"},
    ],
)
def test_a_body_is_markdown_or_html(body: dict[str, str]) -> None:
    article = read_article(json.dumps({"title": "T", "summary": "S", **body}).encode(), name="a.json")
    assert article.lead == (Paragraph((Emphasis((Text("Now"),)), Text(" & here."))),)


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ('{\n"title": "T",\n"titel": 1}', 3, "unknown-field"),
        ('{\n"title": "T",\n"title": "U"}', 3, "duplicate-field"),
        ('{\n"title": 7,\n"published": "x",\n"body": "b"}', 3, "invalid-field"),
        ('{\n"title": ["T"],\n"body": "b"}', 2, "invalid-field"),
        ('{\n"title": "T",\n"body": 3}', 3, "invalid-field"),
        ('{\n"title": "T",\n"body_format": "rtf",\n"body": "b"}', 3, "invalid-field"),
        ('{\n"title": "T",\n}', 3, "invalid-json"),
        ('{\n"title": "T"\n"body": "b"}', 3, "invalid-json"),
        ('{\n"title": "T', 2, "invalid-json"),
        ('{\n"title": NaN}', 2, "invalid-json"),
        ('{"title": "T", "body": "b"}\n{}', 1, "invalid-json"),
        ('["T"]', 1, "invalid-json"),
        ("", None, "article-empty"),
        ('{"body": "b"}', None, "missing-field"),
        ('{"title": "T", "authors": [{"name": null}], "body": "b"}', 1, "missing-field"),
    ],
)
def test_an_error_names_its_line(text: str, line: int | None, code: str) -> None:
    error = refused(text)
    assert (error.line, error.code) == (line, code)
    assert error.hint


def test_values_nested_without_end_are_refused() -> None:
    assert refused('{"title": ' + "[" * 100_000).code == "nested-too-deep"


def test_a_lone_surrogate_and_control_characters_leave_no_trace() -> None:
    text = '{"title": "A\\ud800\\u0000\\u202eB", "body": "a\\u0001b\\ufffec"}'
    article = read_article(text.encode(), name="a.json")
    assert (article.title, article.answer) == ("A\ufffdB", "abc")
