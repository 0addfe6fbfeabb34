"""The articles that a feed shows, for people who page through them: by date of publication, the newest first."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles import public
from pipeline.ledger.database import Instant, Transaction
from pipeline.ledger.tables import articles, contents, feed_entries, feeds, revisions, topics

WINDOW = 1_000  # entries that a page of one topic looks at


class Topic(Struct, frozen=True):
    name: str
    slug: str


class Cursor(Struct, frozen=True):
    """The entry after which to go on."""

    published: dt.datetime
    article: str


class Content(Struct, frozen=True):
    """What a list says of an article; the rest of its JSON is skipped."""

    title: str
    language: str = "en"
    topics: tuple[Topic, ...] = ()


class Shown(Struct, frozen=True):
    article: str
    canonical: str | None
    published: dt.datetime
    content: Content

    @property
    def place(self) -> Cursor:
        return Cursor(self.published, self.article)


class Page(Struct, frozen=True):
    """`next` is None if there is nothing more. With it, a page of a topic may be short: it looks at so many entries."""

    entries: tuple[Shown, ...]
    next: Cursor | None


_decoder = msgspec.json.Decoder(Content)


def generation(transaction: Transaction, feed_id: str) -> int | None:
    """Return the number of changes that the feed shows; None while it does not show some yet, or was never built.

    While it stays the same, so do the pages.
    """
    built = sa.select(feeds.c.generation).where(feeds.c.id == feed_id, feeds.c.due.is_(None), feeds.c.lease.is_(None))
    return transaction.scalar(built)


def page(transaction: Transaction, feed_id: str, *, topic: str | None, after: Cursor | None, limit: int) -> Page:
    """Return what follows `after`, as the revision that the feed shows has it. What was withdrawn since is left out."""
    looked_at = _places(transaction, feed_id, topic, after, limit=limit + 1 if topic is None else WINDOW)
    matching = [place for place, matches in looked_at if matches]
    more = None
    if len(matching) > limit:
        more = matching[limit - 1]
    elif topic is not None and len(looked_at) == WINDOW:
        more = looked_at[-1][0]
    found = _entries(transaction, feed_id, [place.article for place in matching[:limit]])
    return Page(found, more)


def _places(
    transaction: Transaction, feed_id: str, topic: str | None, after: Cursor | None, *, limit: int
) -> list[tuple[Cursor, bool]]:
    """Return the next live entries in order, each with whether it is of the topic."""
    query = (
        sa.select(feed_entries.c.published, feed_entries.c.article, _has(topic))
        .where(feed_entries.c.feed == feed_id, feed_entries.c.state == "live")
        .order_by(feed_entries.c.published.desc(), feed_entries.c.article.desc())
        .limit(limit)
    )
    if after is not None:
        moment = sa.literal(after.published, Instant())
        before = sa.or_(feed_entries.c.published < moment, feed_entries.c.article < after.article)
        query = query.where(feed_entries.c.published <= moment, before)
    return [(Cursor(published, article), matches) for published, article, matches in transaction.execute(query)]


def _has(topic: str | None) -> sa.ColumnElement[bool]:
    if topic is None:
        return sa.true()
    mine = sa.select(topics.c.topic).where(topics.c.article == feed_entries.c.article, topics.c.topic == topic)
    return mine.scalar_subquery().is_not(None)


def _entries(transaction: Transaction, feed_id: str, article_ids: list[str]) -> tuple[Shown, ...]:
    shown = sa.and_(revisions.c.article == feed_entries.c.article, revisions.c.number == feed_entries.c.revision)
    columns: tuple[sa.ColumnElement[Any], ...] = (
        feed_entries.c.article,
        feed_entries.c.canonical,
        feed_entries.c.published,
        contents.c.article.label("content"),
    )
    query = (
        sa.select(*columns)
        .select_from(feed_entries)
        .join(articles, articles.c.id == feed_entries.c.article)
        .join(revisions, shown)
        .join(contents, contents.c.digest == revisions.c.content)
        .where(
            feed_entries.c.feed == feed_id,
            feed_entries.c.article.in_(article_ids),
            feed_entries.c.state == "live",
            public.state() == "live",
        )
    )
    found = {
        row.article: Shown(row.article, row.canonical, row.published, _decoder.decode(row.content))
        for row in transaction.execute(query)
    }
    return tuple(found[id] for id in article_ids if id in found)
