"""Limits are kept with an error that names them, and what stays under them is read."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.intake.decoding import MAX_BYTES
from pipeline.model.article import MAX_NESTING, Article, Block, BulletList, Quotation


def refused(data: bytes, name: str = "a.md") -> InvalidArticle:
    with pytest.raises(InvalidArticle) as caught:
        read_article(data, name=name)
    return caught.value


def nested_bullets(depth: int) -> str:
    return "\n".join(f"{'  ' * level}- {level}" for level in range(depth))


def depth_of(block: Block) -> int:
    match block:
        case BulletList((item,)):
            return 1 + max(depth_of(inner) for inner in item.blocks)
        case Quotation(blocks):
            return 1 + max(depth_of(inner) for inner in blocks)
        case _:
            return 0


def article(body: str, name: str = "a.md") -> Article:
    return read_article(f"# T\n\n{body}\n".encode(), name=name)


@pytest.mark.parametrize("name", ["a.md", "a.json", "a.html", "a.txt"])
def test_a_file_over_five_megabytes_is_refused(name: str) -> None:
    error = refused(b"x" * (MAX_BYTES + 1), name)
    assert (error.code, error.file) == ("article-too-large", name)


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_a_file_of_five_megabytes_is_read(name: str) -> None:
    text = "# T\n\n" + ("Baclofen calms overactive nerve signals. " * 20 + "\n\n") * 6_300
    data = text.encode()[:MAX_BYTES]
    assert len(data) > 5_000_000
    assert len(read_article(data, name=name).lead) > 6_000


def test_lists_as_deep_as_the_limit_are_read_whole() -> None:
    (block,) = article(nested_bullets(MAX_NESTING)).lead
    assert depth_of(block) == MAX_NESTING


def test_quotations_as_deep_as_the_limit_are_read_whole() -> None:
    (block,) = article("> " * MAX_NESTING + "a").lead
    assert depth_of(block) == MAX_NESTING


@pytest.mark.parametrize(
    "body",
    [
        nested_bullets(MAX_NESTING + 1),
        nested_bullets(200),
        "> " * 200 + "a",
        "> " * 5000 + "a",
        "<div>" * 300 + "a",
        "<ul><li>" * 100 + "a",
        "<ul><li>" * 5000 + "a",
        "<em><strong>" * 40 + "a",
    ],
    ids=lambda body: f"{body[:9]!r}",
)
def test_what_is_nested_deeper_is_refused_and_never_dropped(body: str) -> None:
    assert refused(f"# T\n\n{body}\n".encode()).code == "nested-too-deep"


def test_deeper_indentation_than_the_limit_is_refused_in_text_too() -> None:
    items = "\n".join(f"{' ' * level}• {level}" for level in range(200))
    assert refused(f"T\n\n{items}\n".encode(), "a.txt").code == "nested-too-deep"


@pytest.mark.parametrize(
    "body",
    [
        "[" * 200_000,
        "![a](" * 50_000,
        ">" * 50 + "\na" * 200_000,
        "- a\n" * 200_000,
        "|a" * 100_000 + "|\n" + "|-" * 100_000 + "|\n",
        "<b>" * 400_000,
        "<p " + "".join(f"a{n}=1 " for n in range(50_000)) + ">",
        "&amp;" * 400_000,
    ],
    ids=lambda body: f"{body[:9]!r}",
)
def test_markup_that_only_costs_time_is_refused(body: str) -> None:
    assert refused(f"# T\n\n{body}\n".encode()).code == "article-too-complex"


def test_long_fields_and_lists_are_refused_by_name() -> None:
    assert refused(json.dumps({"title": "x" * 1001, "body": "b"}).encode(), "a.json").field == "title"
    assert refused(json.dumps({"title": "x", "summary": "y" * 50_001}).encode(), "a.json").field == "summary"
    error = refused(json.dumps({"title": "x", "body": "b", "authors": ["y"] * 1001}).encode(), "a.json")
    assert (error.field, error.code) == ("authors", "too-many-entries")
    assert refused(("---\ntitle: x\nsummary: " + "y " * 110_000 + "\n---\n").encode()).code == "article-too-large"


def test_bytes_that_are_no_utf_8_are_named_by_line() -> None:
    error = refused(b"# T\n\nok\n\xe9t\xe9\n")
    assert (error.code, error.line) == ("not-utf-8", 4)


def test_byte_order_marks_and_utf_16_are_understood() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert read_article("# Títle\r\n\r\nText.\r\n".encode(encoding), name="a.md").title == "Títle"
    assert refused(b"\xff\xfe\x00").code == "not-utf-8"
