"""How each feed is: when it was built, how much is in it, and what keeps it from being built."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.feeds.layout import BUILT
from pipeline.ledger.tables import feed_changes, feed_entries, feed_pages, feeds


class State(Struct, frozen=True):
    """A feed that was ever to be built. `rest`: milliseconds from its last build to `rest_until`."""

    due: dt.datetime | None
    attempts: int
    error: str | None
    findings: str | None  # JSON
    rest_until: dt.datetime | None
    rest: int | None

    @property
    def built(self) -> dt.datetime | None:
        """When it was built last; None: never, or by a release that did not record it."""
        if self.rest_until is None or self.rest is None:
            return None
        return self.rest_until - dt.timedelta(milliseconds=self.rest)


class Listed(Struct, frozen=True):
    """What a feed shows, or is to show, of an article."""

    feed: str
    revision: int | None  # the newest in its pages, or that of its tombstone; None: it shows nothing of it yet
    waits: bool  # the article has changed since its place in the feed was decided, or that was not written yet
    since: dt.datetime | None  # since when it shows the revision; None: it does not, or that was not recorded
    state: State


class Size(Struct, frozen=True):
    live: int  # entries
    withdrawn: int  # entries that say so
    pages: int
    stale: int  # pages that are to be built


def state_of(transaction: Transaction, feed_id: str) -> State | None:
    """Return None for a feed in which nothing ever belonged."""
    columns = [feeds.c[name] for name in State.__struct_fields__]
    row = transaction.execute(sa.select(*columns).where(feeds.c.id == feed_id)).one_or_none()
    return None if row is None else State(*row)


def listing(transaction: Transaction, article_id: str) -> list[Listed]:
    """Return the feeds that show the article or have to look at it, sorted by id."""
    columns = [feeds.c[name] for name in State.__struct_fields__]
    entry = sa.and_(feed_entries.c.feed == feeds.c.id, feed_entries.c.article == article_id)
    change = sa.and_(feed_changes.c.feed == feeds.c.id, feed_changes.c.article == article_id)
    shown, noted = sa.func.max(feed_entries.c.revision), sa.func.max(feed_changes.c.generation)
    unwritten = sa.func.max(sa.case((feed_entries.c.unwritten, 1), else_=0))
    since = sa.func.max(feed_entries.c.shown_since)
    query = (
        sa.select(feeds.c.id, shown, noted, unwritten, since, *columns)
        .select_from(feeds)
        .outerjoin(feed_entries, entry)
        .outerjoin(feed_changes, change)
        .group_by(feeds.c.id)
        .having(sa.or_(shown.is_not(None), noted.is_not(None)))
        .order_by(feeds.c.id)
    )
    rows = transaction.execute(query)
    return [
        Listed(id, revision, noted is not None or bool(unwritten), None if unwritten else since, State(*state))
        for id, revision, noted, unwritten, since, *state in rows
    ]


def size_of(transaction: Transaction, feed_id: str) -> Size:
    live, withdrawn = (_entries(transaction, feed_id, state) for state in ("live", "withdrawn"))
    stale = sa.func.count(sa.case((feed_pages.c.stale > BUILT, 1)))
    pages = sa.select(sa.func.count(), stale).where(feed_pages.c.feed == feed_id)
    return Size(live, withdrawn, *transaction.execute(pages).one())


def _entries(transaction: Transaction, feed_id: str, state: str) -> int:
    mine = (feed_entries.c.feed == feed_id, feed_entries.c.state == state)
    return transaction.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()
