"""Whatever comes in, an article or InvalidArticle comes out, and the article keeps what the model promises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import intake_strategies as strange
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.intake.fields.slugs import slug
from pipeline.intake.fields.text import clean, is_blank
from pipeline.model.article import Article, Section

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202d\u202e]")
few = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from strings(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from strings(entry)


def anchors(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        yield section.anchor
        yield from anchors(section.sections)


def read(data: bytes, name: str) -> Article | InvalidArticle:
    try:
        return read_article(data, name=name)
    except InvalidArticle as error:
        return error


def check(data: bytes, name: str) -> None:
    article = read(data, name)
    if isinstance(article, InvalidArticle):
        assert article.code and article.file == name and str(article)
        return
    assert SLUG.fullmatch(article.id) and len(article.id) <= 120
    assert not is_blank(article.title) and not is_blank(article.answer)
    for text in strings(msgspec.to_builtins(article)):
        assert not FORBIDDEN.search(text)
        assert unicodedata.is_normalized("NFC", text)
    found = list(anchors(article.sections))
    assert len(set(found)) == len(found)
    assert all(SLUG.fullmatch(anchor) for anchor in found)
    assert msgspec.json.decode(msgspec.json.encode(article), type=Article) == article


@few
@given(strange.raw, st.sampled_from(strange.NAMES))
def test_any_bytes_give_an_article_or_an_error(data: bytes, name: str) -> None:
    check(data, name)


@few
@given(strange.bodies)
def test_any_markdown_body_gives_an_article_or_an_error(data: bytes) -> None:
    check(data, "a.md")


@few
@given(strange.json_articles)
def test_any_fields_give_an_article_or_an_error(data: bytes) -> None:
    check(data, "a.json")


@few
@given(strange.html_bodies)
def test_any_page_gives_an_article_or_an_error(data: bytes) -> None:
    check(data, "a.html")


@few
@given(strange.pages)
def test_any_saved_text_gives_an_article_or_an_error(data: bytes) -> None:
    check(data, "a.txt")


@given(st.text())
def test_any_title_gives_a_safe_id(title: str) -> None:
    made = slug(clean(title), otherwise="article")
    assert SLUG.fullmatch(made) and len(made) <= 120


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
