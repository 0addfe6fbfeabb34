"""Who has fetched each feed, by day (UTC), format and name: how often, and how many subscribers they said they have.

A feed has `PLACES` places a day for pairs of a name and a format. Those that had one the day before have theirs
reserved, so that whoever sends a million names pushes out no reader that was there before. What finds no place is
counted under `OTHERS`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.kept import NewInsert, kept
from pipeline.ledger.tables import feed_readers

PLACES = 200  # of a feed and day; with several web processes it may be a few more
_DAY = dt.timedelta(days=1)

Fetcher = tuple[str, str]  # its name, and the format that it fetches


class Fetched(Struct, frozen=True):
    """`said`: the most subscribers that the reader said it has; None: it said nothing of them."""

    requests: int
    said: int | None = None

    def __add__(self, other: Fetched) -> Fetched:
        said = [one for one in (self.said, other.said) if one is not None]
        return Fetched(self.requests + other.requests, max(said, default=None))


class OnDay(Struct, frozen=True):
    day: dt.date
    reader: str
    format: str
    requests: int
    said: int | None


class Day(Struct, frozen=True):
    """`said`: the sum of what each reader said that day; None: none said anything."""

    day: dt.date
    requests: int
    said: int | None


@kept
def _add(insert: NewInsert) -> sa.Insert:
    new = insert(feed_readers)
    more = new.excluded.said > sa.func.coalesce(feed_readers.c.said, -1)  # not so where nothing is said now
    values: dict[str, Any] = {
        "requests": feed_readers.c.requests + new.excluded.requests,
        "said": sa.case((more, new.excluded.said), else_=feed_readers.c.said),
    }
    return new.on_conflict_do_update(index_elements=list(feed_readers.primary_key), set_=values)


def add(
    transaction: Transaction, counted: Mapping[str, Mapping[Fetcher, Fetched]], *, day: dt.date, others: str
) -> dict[str, frozenset[Fetcher]]:
    """Add what was counted of each feed. Return who has a place, or has one reserved, in each of these feeds."""
    known = _known(transaction, counted, (day, day - _DAY), others)
    rows: list[dict[str, object]] = []
    for feed, fetched in sorted(counted.items()):
        found = _in_places(fetched, known[feed], others)
        known[feed] |= found.keys()
        rows += (
            {"feed": feed, "day": day, "reader": name, "format": format, "requests": one.requests, "said": one.said}
            for (name, format), one in sorted(found.items())  # in order, so that two who write do not block each other
        )
    if rows:
        transaction.execute(_add(transaction), rows)
    return {feed: frozenset(fetchers) for feed, fetchers in known.items()}


def _known(
    transaction: Transaction, feeds: Collection[str], days: Collection[dt.date], others: str
) -> dict[str, set[Fetcher]]:
    """Return who has a place in each of the feeds on one of the days."""
    known: dict[str, set[Fetcher]] = {feed: set() for feed in feeds}
    table = feed_readers.c
    wanted = (table.feed.in_(feeds), table.day.in_(days), table.reader != others)
    for feed, reader, format in transaction.execute(sa.select(table.feed, table.reader, table.format).where(*wanted)):
        known[feed].add((reader, format))
    return known


def _in_places(fetched: Mapping[Fetcher, Fetched], known: Collection[Fetcher], others: str) -> dict[Fetcher, Fetched]:
    """Return what was counted, with those under `others` that find no place. Those who came most often come first."""
    taken = set(known)
    found: dict[Fetcher, Fetched] = {}
    for who, one in sorted(fetched.items(), key=lambda each: (-each[1].requests, each[0])):
        name, format = who
        if name != others and who not in taken and len(taken) < PLACES:
            taken.add(who)
        if who in taken:
            found[who] = one
        else:
            rest = found.get((others, format), Fetched(0))
            found[others, format] = rest + Fetched(one.requests)
    return found


def since(transaction: Transaction, feed: str, day: dt.date) -> Iterator[OnDay]:
    """Yield what was counted of a feed from a day on, oldest day first."""
    columns = [feed_readers.c[name] for name in OnDay.__struct_fields__]
    mine = (feed_readers.c.feed == feed, feed_readers.c.day >= day)
    query = sa.select(*columns).where(*mine).order_by(feed_readers.c.day, feed_readers.c.reader, feed_readers.c.format)
    return (OnDay(*row) for row in transaction.execute(query))


def days(transaction: Transaction, feed: str, *, limit: int) -> list[Day]:
    """Return the newest days on which the feed was fetched, newest first."""
    sums = (sa.func.sum(feed_readers.c.requests), sa.func.sum(feed_readers.c.said))
    query = sa.select(feed_readers.c.day, *sums).where(feed_readers.c.feed == feed).group_by(feed_readers.c.day)
    rows = transaction.execute(query.order_by(feed_readers.c.day.desc()).limit(limit))
    return [Day(day, int(requests), None if said is None else int(said)) for day, requests, said in rows]


def forget(transaction: Transaction, *, before: dt.date) -> int:
    """Delete what was counted before this day; return how many rows."""
    return transaction.execute(sa.delete(feed_readers).where(feed_readers.c.day < before)).rowcount
