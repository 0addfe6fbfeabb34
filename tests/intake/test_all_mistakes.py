"""All mistakes of a file are named at once, each with its line."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.intake.fields import MAX_MISTAKES


def refused(text: str, name: str = "a.md") -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(InvalidArticle) as caught:
        read_article(text.encode(), name=name)
    return [(one.line, one.field, one.code) for one in (caught.value, *caught.value.further)]


def test_every_field_that_is_wrong_is_named_with_its_line() -> None:
    text = """---
title: x
titel: y
title: z
published: soon
authors:
  - name: Jane Roe
    url: ftp://x
    nom: z
  - role: Neurologist
image:
  width: wide
  height: tall
language: english
references: [1, book]
---
Text.
"""
    assert refused(text) == [
        (3, "titel", "unknown-field"),
        (4, "title", "duplicate-field"),
        (5, "published", "invalid-field"),
        (8, "authors[0].url", "invalid-field"),
        (9, "authors[0].nom", "unknown-field"),
        (10, "authors[1].name", "missing-field"),
        (11, "image.url", "invalid-field"),
        (12, "image.width", "invalid-field"),
        (13, "image.height", "invalid-field"),
        (14, "language", "invalid-field"),
        (15, "references[1]", "invalid-field"),
    ]


def test_a_wrong_field_a_missing_title_and_an_empty_text_are_named_together() -> None:
    assert refused("---\npublished: soon\n---\n") == [
        (2, "published", "invalid-field"),
        (None, "title", "missing-field"),
        (None, "body", "article-empty"),
    ]


def test_so_it_is_in_json() -> None:
    text = '{\n"title": ["T"],\n"reviewed": "x",\n"body": 7\n}'
    assert [(line, field) for line, field, _ in refused(text, "a.json")] == [(2, "title"), (3, "reviewed"), (4, "body")]


def test_a_file_of_nothing_but_mistakes_is_read_in_bounded_time() -> None:
    many = {f"wrong{number}": number for number in range(50_000)}
    found = refused(json.dumps({"title": "x", "body": "Text."} | many), "a.json")
    assert len(found) == MAX_MISTAKES
