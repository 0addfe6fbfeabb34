"""How each feed is: when it was built, how much is in it, and what keeps it from being built."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.feeds.layout import BUILT
from pipeline.ledger.tables import feed_entries, feed_pages, feeds


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


def size_of(transaction: Transaction, feed_id: str) -> Size:
    live, withdrawn = (_entries(transaction, feed_id, state) for state in ("live", "withdrawn"))
    stale = sa.func.count(sa.case((feed_pages.c.stale > BUILT, 1)))
    pages = sa.select(sa.func.count(), stale).where(feed_pages.c.feed == feed_id)
    return Size(live, withdrawn, *transaction.execute(pages).one())


def _entries(transaction: Transaction, feed_id: str, state: str) -> int:
    mine = (feed_entries.c.feed == feed_id, feed_entries.c.state == state)
    return transaction.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()
