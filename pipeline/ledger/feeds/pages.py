"""The pages of feeds: their entries, which of them are stale, and their built documents. `places` fills them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.feeds.layout import BUILT, STALE
from pipeline.ledger.tables import (
    articles,
    feed_changes,
    feed_documents,
    feed_entries,
    feed_page_documents,
    feed_pages,
    feeds,
)

Order = Literal["updated", "published"]
_TOMBSTONES = 1000  # maximum in a subscription document, beyond those of its open page


class Entry(Struct, frozen=True, order=True):
    """An entry of a feed page: a revision of an article, or its tombstone."""

    article: str
    state: str
    revision: int
    published: dt.datetime
    updated: dt.datetime
    canonical: str | None = None


def make_stale(transaction: Transaction, feed_id: str) -> None:
    """Mark every page as stale."""
    built = sa.and_(feed_pages.c.feed == feed_id, feed_pages.c.stale == BUILT)
    transaction.execute(sa.update(feed_pages).where(built).values(stale=STALE))


def stale(transaction: Transaction, feed_id: str, *, limit: int, sealed_only: bool = True) -> list[int]:
    """Return the stale pages: first those that an article has left, then the newest."""
    query = sa.select(feed_pages.c.number).where(feed_pages.c.feed == feed_id, feed_pages.c.stale > BUILT)
    if sealed_only:
        query = query.where(feed_pages.c.sealed)
    return list(transaction.scalars(query.order_by(feed_pages.c.stale.desc(), feed_pages.c.number.desc()).limit(limit)))


def newest_sealed(transaction: Transaction, feed_id: str) -> int | None:
    """Return the archive page that the subscription document links to."""
    full = sa.and_(feed_pages.c.feed == feed_id, feed_pages.c.sealed)
    number: int | None = transaction.scalar(sa.select(sa.func.max(feed_pages.c.number)).where(full))
    return number


def entries_of(transaction: Transaction, feed_id: str, page: int) -> list[Entry]:
    inside = sa.and_(feed_entries.c.feed == feed_id, feed_entries.c.page == page)
    return [Entry(*row) for row in transaction.execute(sa.select(*_ENTRY).where(inside))]


def newest(
    transaction: Transaction, feed_id: str, *, size: int, order: Order, tombstones_for: dt.timedelta = dt.timedelta()
) -> list[Entry]:
    """Return the entries of the subscription document: the `size` newest articles and as many tombstones.

    Every entry that no sealed page contains yet is included, so that a client that reads all pages misses nothing. So
    are the tombstones that are no older than `tombstones_for`, counted from the feed's newest change: a client that
    reads no pages learns of a withdrawal only here.
    """
    opened = sa.select(sa.func.max(feed_pages.c.number)).where(feed_pages.c.feed == feed_id)
    unsealed = entries_of(transaction, feed_id, transaction.scalar(opened) or 1)
    fresh = [entry for entry in unsealed if entry.state == "live"]
    found = _chosen(fresh, _newest(transaction, feed_id, "live", size, order), size)
    gone = _newest(transaction, feed_id, "withdrawn", 2 * max(size, _TOMBSTONES), "updated")
    last = max((entry.updated for entry in (*unsealed, *found, *gone)), default=None)
    must = [one for one in unsealed if one.state == "withdrawn"]
    must += [one for one in gone if last and last - one.updated <= tombstones_for]
    return found + _chosen(must, gone, size)


def _chosen(must: list[Entry], others: list[Entry], size: int) -> list[Entry]:
    """Return the required entries, filled up with others to `size`, each article once."""
    chosen = {entry.article: entry for entry in must}
    for entry in others:
        if len(chosen) >= size:
            break
        chosen.setdefault(entry.article, entry)
    return list(chosen.values())


def _newest(transaction: Transaction, feed_id: str, state: str, limit: int, order: Order) -> list[Entry]:
    """Return the newest entries. An article has two if its tombstone is on two pages."""
    mine = sa.and_(feed_entries.c.feed == feed_id, feed_entries.c.state == state)
    query = sa.select(*_ENTRY).where(mine).order_by(feed_entries.c[order].desc(), feed_entries.c.article)
    return [Entry(*row) for row in transaction.execute(query.limit(limit))]


class Built(Struct, frozen=True):
    """A document as written, and the time since which its bytes are unchanged."""

    digest: str
    modified: dt.datetime
    writing: bool = False  # the file may hold other bytes, because a write was begun and never recorded


def page_documents(transaction: Transaction, feed_id: str, page: int) -> dict[str, Built]:
    """Return a page's built documents, by format."""
    columns = (feed_page_documents.c.format, *(feed_page_documents.c[name] for name in Built.__struct_fields__))
    where = (feed_page_documents.c.feed == feed_id, feed_page_documents.c.page == page)
    return {format: Built(*built) for format, *built in transaction.execute(sa.select(*columns).where(*where))}


def begin_page(transaction: Transaction, feed_id: str, page: int, formats: Collection[str]) -> None:
    """Record that other bytes are about to be written for a page in these formats."""
    mine = (feed_page_documents.c.feed == feed_id, feed_page_documents.c.page == page)
    begun = sa.update(feed_page_documents).where(*mine, feed_page_documents.c.format.in_(formats))
    transaction.execute(begun.values(writing=True))


def keep_page(transaction: Transaction, feed_id: str, page: int, written: Mapping[str, Built]) -> None:
    """Record that the page was built, with its changed documents by format."""
    key = [feed_page_documents.c.feed, feed_page_documents.c.page, feed_page_documents.c.format]
    for format, built in written.items():
        new = {"digest": built.digest, "modified": built.modified, "writing": False}
        upsert = insert(transaction, feed_page_documents).values(feed=feed_id, page=page, format=format, **new)
        transaction.execute(upsert.on_conflict_do_update(index_elements=key, set_=new))
    transaction.execute(sa.update(feed_pages).where(is_page(feed_id, page)).values(stale=BUILT))


def drop_page_documents(transaction: Transaction, feed_id: str, format: str) -> None:
    """Delete the documents of a format in which the feed is no longer built."""
    mine = sa.and_(feed_page_documents.c.feed == feed_id, feed_page_documents.c.format == format)
    transaction.execute(sa.delete(feed_page_documents).where(mine))


def make_page_stale(transaction: Transaction, feed_id: str, page: int) -> bool:
    """Mark a page as stale. Return False if it does not exist or is not full yet."""
    full = sa.and_(is_page(feed_id, page), feed_pages.c.sealed)
    return transaction.execute(sa.update(feed_pages).where(full).values(stale=STALE)).rowcount == 1


def built_pages(transaction: Transaction, feed_id: str, format: str) -> list[tuple[int, dt.datetime]]:
    """Return every page built in a format, oldest first, with its time of modification."""
    columns = (feed_page_documents.c.page, feed_page_documents.c.modified)
    mine = sa.and_(feed_page_documents.c.feed == feed_id, feed_page_documents.c.format == format)
    rows = transaction.execute(sa.select(*columns).where(mine).order_by(feed_page_documents.c.page))
    return [(page, modified) for page, modified in rows]


class Recent(Struct, frozen=True):
    """A recent article, for a news sitemap."""

    article: str
    canonical: str | None
    published: dt.datetime
    title: str
    language: str


def recent(transaction: Transaction, feed_id: str, *, since: dt.datetime, limit: int) -> list[Recent]:
    """Return the articles in a feed that were published since then, newest first."""
    query = (
        sa.select(articles.c.id, feed_entries.c.canonical, articles.c.published, articles.c.title, articles.c.language)
        .join(articles, articles.c.id == feed_entries.c.article)
        .where(
            feed_entries.c.feed == feed_id,
            feed_entries.c.state == "live",
            feed_entries.c.published >= since,
            articles.c.state == "live",
        )
        .order_by(feed_entries.c.published.desc(), articles.c.id)
        .limit(limit)
    )
    return [Recent(*row) for row in transaction.execute(query)]


def forget(transaction: Transaction, feed_id: str) -> None:
    """Delete all records of a feed that is no longer configured."""
    for table in (feed_changes, feed_entries, feed_pages, feed_page_documents, feed_documents):
        transaction.execute(sa.delete(table).where(table.c.feed == feed_id))
    transaction.execute(sa.update(feeds).where(feeds.c.id == feed_id).values(shape=None, findings=None))


_ENTRY = tuple(feed_entries.c[name] for name in Entry.__struct_fields__)


def is_page(feed_id: str, page: int) -> sa.ColumnElement[bool]:
    """Match the row of a page."""
    return sa.and_(feed_pages.c.feed == feed_id, feed_pages.c.number == page)
