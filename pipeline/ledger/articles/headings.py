"""What lists, parcels and tombstones say of an article's content, kept in columns beside the content itself."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.tables import contents
from pipeline.model.article import Article


class _Topic(Struct, frozen=True):
    slug: str


class Heading(Struct, frozen=True):
    """The few fields of an article that are needed where its text is not."""

    title: str
    language: str = "en"
    summary: str = ""  # the short answer
    canonical: str | None = None
    address: str | None = None
    topics: frozenset[str] = frozenset()  # slugs


class _Stored(Struct, frozen=True):
    """The same fields in an article's JSON, the rest of which is skipped."""

    title: str
    answer: str
    language: str = "en"
    canonical: str | None = None
    address: str | None = None
    topics: tuple[_Topic, ...] = ()


_decoder = msgspec.json.Decoder(_Stored)

# A row of `contents` that a former release wrote has no heading, so its content is read, and only then.
COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    contents.c.title,
    contents.c.language,
    contents.c.summary,
    contents.c.canonical,
    contents.c.address,
    contents.c.topics,
    sa.case((contents.c.title.is_(None), contents.c.article), else_=None).label("former"),
)


def of_article(article: Article) -> dict[str, str | None]:
    """Return the values of an article's columns."""
    return {
        "title": article.title,
        "language": article.language,
        "summary": article.answer,
        "canonical": article.canonical,
        "address": article.address,
        "topics": " ".join(topic.slug for topic in article.topics),
    }


def of_row(row: Any) -> Heading | None:
    """Return the heading in a row that has COLUMNS; None if it has no content, as of a withdrawal."""
    if row.title is not None:
        slugs = frozenset(row.topics.split())
        return Heading(row.title, row.language, row.summary, row.canonical, row.address, slugs)
    if row.former is None:
        return None
    old = _decoder.decode(row.former)
    slugs = frozenset(topic.slug for topic in old.topics)
    return Heading(old.title, old.language, old.answer, old.canonical, old.address, slugs)
