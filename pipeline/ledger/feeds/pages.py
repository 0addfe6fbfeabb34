"""The pages of feeds: their entries, which of them are stale, and their built documents. `places` fills them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Instant, Transaction, chunks
from pipeline.ledger.feeds.layout import BUILT, STALE
from pipeline.ledger.kept import NewInsert, kept, one_of
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


_ENTRY = tuple(feed_entries.c[name] for name in Entry.__struct_fields__)
_OF_FEED = feed_pages.c.feed == sa.bindparam("of_feed")
IS_PAGE = sa.and_(_OF_FEED, feed_pages.c.number == sa.bindparam("of_page"))
"""Match the row of a page, given as `of_feed` and `of_page`."""

NEWEST_NUMBER = sa.select(sa.func.max(feed_pages.c.number)).where(_OF_FEED)
"""Select the number of the open page of a feed, given as `of_feed`."""

_STALE = sa.select(feed_pages.c.number).where(_OF_FEED, feed_pages.c.stale > BUILT)
_STALE_FIRST = (feed_pages.c.stale.desc(), feed_pages.c.number.desc())
_MOST = sa.bindparam("most", type_=sa.Integer())
_STALE_ONES = {
    sealed_only: (_STALE.where(feed_pages.c.sealed) if sealed_only else _STALE).order_by(*_STALE_FIRST).limit(_MOST)
    for sealed_only in (False, True)
}
_NEWEST_SEALED = NEWEST_NUMBER.where(feed_pages.c.sealed)
_ENTRIES = sa.select(*_ENTRY).where(feed_entries.c.feed == sa.bindparam("of_feed"))
_ENTRIES_OF_PAGE = _ENTRIES.where(feed_entries.c.page == sa.bindparam("of_page"))
_NEWEST = {
    order: _ENTRIES.where(feed_entries.c.state == sa.bindparam("in_state"))
    .order_by(feed_entries.c[order].desc(), feed_entries.c.article)
    .limit(_MOST)
    for order in ("updated", "published")
}


def make_stale(transaction: Transaction, feed_id: str) -> None:
    """Mark every page as stale."""
    built = sa.and_(feed_pages.c.feed == feed_id, feed_pages.c.stale == BUILT)
    transaction.execute(sa.update(feed_pages).where(built).values(stale=STALE))


def stale(transaction: Transaction, feed_id: str, *, limit: int, sealed_only: bool = True) -> list[int]:
    """Return the stale pages: first those that an article has left, then the newest."""
    return list(transaction.scalars(_STALE_ONES[sealed_only], {"of_feed": feed_id, "most": limit}))


def newest_sealed(transaction: Transaction, feed_id: str) -> int | None:
    """Return the archive page that the subscription document links to."""
    number: int | None = transaction.scalar(_NEWEST_SEALED, {"of_feed": feed_id})
    return number


def entries_of(transaction: Transaction, feed_id: str, page: int) -> list[Entry]:
    return [Entry(*row) for row in transaction.execute(_ENTRIES_OF_PAGE, {"of_feed": feed_id, "of_page": page})]


def newest(
    transaction: Transaction, feed_id: str, *, size: int, order: Order, tombstones_for: dt.timedelta = dt.timedelta()
) -> list[Entry]:
    """Return the entries of the subscription document: the `size` newest articles and as many tombstones.

    Every entry that no sealed page contains yet is included, so that a client that reads all pages misses nothing. So
    are the tombstones that are no older than `tombstones_for`, counted from the feed's newest change: a client that
    reads no pages learns of a withdrawal only here.
    """
    unsealed = entries_of(transaction, feed_id, transaction.scalar(NEWEST_NUMBER, {"of_feed": feed_id}) or 1)
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
    asked = {"of_feed": feed_id, "in_state": state, "most": limit}
    return [Entry(*row) for row in transaction.execute(_NEWEST[order], asked)]


class Built(Struct, frozen=True):
    """A document as written, and the time since which its bytes are unchanged."""

    digest: str
    modified: dt.datetime
    writing: bool = False  # the file may hold other bytes, because a write was begun and never recorded


_BUILT = tuple(feed_page_documents.c[name] for name in Built.__struct_fields__)
_OF_PAGE = sa.and_(
    feed_page_documents.c.feed == sa.bindparam("of_feed"), feed_page_documents.c.page == sa.bindparam("of_page")
)
_DOCUMENTS = sa.select(feed_page_documents.c.format, *_BUILT).where(_OF_PAGE)
_BEGIN = (
    sa.update(feed_page_documents)
    .where(_OF_PAGE, one_of(feed_page_documents.c.format, "in_formats"))
    .values(writing=True)
)
_IS_BUILT = sa.update(feed_pages).where(IS_PAGE).values(stale=BUILT)
_PAGES_BUILT = (
    sa.select(feed_page_documents.c.page, feed_page_documents.c.modified)
    .where(
        feed_page_documents.c.feed == sa.bindparam("of_feed"), feed_page_documents.c.format == sa.bindparam("in_format")
    )
    .order_by(feed_page_documents.c.page)
)


@kept
def _keep(insert: NewInsert) -> sa.Insert:
    new = insert(feed_page_documents)
    key = [feed_page_documents.c.feed, feed_page_documents.c.page, feed_page_documents.c.format]
    return new.on_conflict_do_update(
        index_elements=key, set_={name: new.excluded[name] for name in Built.__struct_fields__}
    )


def page_documents(transaction: Transaction, feed_id: str, page: int) -> dict[str, Built]:
    """Return a page's built documents, by format."""
    rows = transaction.execute(_DOCUMENTS, {"of_feed": feed_id, "of_page": page})
    return {format: Built(*built) for format, *built in rows}


def begin_page(transaction: Transaction, feed_id: str, page: int, formats: Collection[str]) -> None:
    """Record that other bytes are about to be written for a page in these formats."""
    transaction.execute(_BEGIN, {"of_feed": feed_id, "of_page": page, "in_formats": list(formats)})


def keep_page(transaction: Transaction, feed_id: str, page: int, written: Mapping[str, Built]) -> None:
    """Record that the page was built, with its changed documents by format."""
    rows = [
        {"feed": feed_id, "page": page, "format": format, "writing": False}
        | {"digest": built.digest, "modified": built.modified}
        for format, built in written.items()
    ]
    if rows:
        transaction.execute(_keep(transaction), rows)
    transaction.execute(_IS_BUILT, {"of_feed": feed_id, "of_page": page})


def drop_page_documents(transaction: Transaction, feed_id: str, format: str) -> None:
    """Delete the documents of a format in which the feed is no longer built."""
    mine = sa.and_(feed_page_documents.c.feed == feed_id, feed_page_documents.c.format == format)
    transaction.execute(sa.delete(feed_page_documents).where(mine))


# In the words of the partial index, which SQLAlchemy would write as `unwritten = 1` for SQLite.
_UNWRITTEN = sa.and_(feed_entries.c.feed == sa.bindparam("of_feed"), sa.text("unwritten"))
_LEFT_OUT = (
    sa.update(feed_entries).where(_UNWRITTEN, one_of(feed_entries.c.article, "article_ids")).values(unwritten=False)
)
_WRITTEN = {
    sealed_only: sa.update(feed_entries)
    .where(_UNWRITTEN, feed_entries.c.page.not_in(_STALE.where(feed_pages.c.sealed) if sealed_only else _STALE))
    .values(unwritten=False, shown_since=sa.bindparam("at", type_=Instant()))
    for sealed_only in (False, True)
}


def note_written(
    transaction: Transaction,
    feed_id: str,
    *,
    left_out: Collection[str],
    now: dt.datetime,
    sealed_only: bool = True,
) -> None:
    """Record that the entries on pages that are built are shown now, for the first time.

    `left_out`: articles that these pages do not show, because they break a rule of the feed's partner. Since when they
    are shown, once they are, will not be known. `sealed_only`: the open page is written with every build; see `stale`.
    """
    for some in chunks(sorted(left_out)):
        transaction.execute(_LEFT_OUT, {"of_feed": feed_id, "article_ids": some})
    transaction.execute(_WRITTEN[sealed_only], {"of_feed": feed_id, "at": now})


def make_page_stale(transaction: Transaction, feed_id: str, page: int) -> bool:
    """Mark a page as stale. Return False if it does not exist or is not full yet."""
    full = sa.update(feed_pages).where(IS_PAGE, feed_pages.c.sealed).values(stale=STALE)
    return transaction.execute(full, {"of_feed": feed_id, "of_page": page}).rowcount == 1


def built_pages(transaction: Transaction, feed_id: str, format: str) -> list[tuple[int, dt.datetime]]:
    """Return every page built in a format, oldest first, with its time of modification."""
    rows = transaction.execute(_PAGES_BUILT, {"of_feed": feed_id, "in_format": format})
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
