"""Deliveries that were given up, or that failed and will be tried again, counted by the words of their error."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks, moment_of
from pipeline.ledger.deliveries import IS_ABANDONED, IS_UNFINISHED, Replayed, afresh
from pipeline.ledger.tables import attempts, deliveries


class Tally(Struct, frozen=True, kw_only=True):
    """The failing deliveries of a channel with one error, word by word. `article` and `delivery` are one of them."""

    channel: str
    error: str
    abandoned: int
    retried: int
    first: dt.datetime  # when one of them failed for the first time at the revision it is to send
    last: dt.datetime
    due: dt.datetime | None  # when one of them is tried next
    article: str
    delivery: str
    since: dt.datetime  # when the state of one of them changed first
    dead: int = 0  # given up, withdrawals left out
    refused: int = 0  # to be tried again, after a refusal


class Failed(Struct, frozen=True):
    """A failing delivery, with what tells its cause."""

    id: str
    article: str
    error: str
    changed: dt.datetime


_RETRIED = sa.and_(
    IS_UNFINISHED,
    deliveries.c.state.in_(("pending", "sending")),
    deliveries.c.error.is_not(None),
    deliveries.c.due.is_not(None),
)
_ERROR = sa.func.coalesce(deliveries.c.error, sa.literal_column("''"))  # no parameter, which GROUP BY would repeat
_CHANGED, _DUE = (sa.type_coerce(column, sa.BigInteger()) for column in (deliveries.c.changed, deliveries.c.due))
_MINE = sa.and_(attempts.c.delivery == deliveries.c.id, attempts.c.revision == deliveries.c.target_revision)
_BEGAN = (
    sa.select(sa.func.min(sa.type_coerce(attempts.c.at, sa.BigInteger())))
    .where(_MINE, attempts.c.outcome != sa.literal_column("'delivered'"))  # as in the index
    .correlate(deliveries)
    .scalar_subquery()
)


_COUNTED = {
    True: sa.func.sum(sa.case((deliveries.c.urgency != 0, 1), else_=0)),
    False: sa.func.sum(sa.case((deliveries.c.refusals > 0, 1), else_=0)),
}


def word_by_word(channel: str, error: str, _article: str) -> Hashable:
    """Tell errors apart by every word."""
    return channel, error


def tallies(
    transaction: Transaction,
    *,
    channels: Collection[str] | None = None,
    alike: Callable[[str, str, str], Hashable] = word_by_word,
) -> Iterator[Tally]:
    """Yield every error with its deliveries, from all rows of the ledger, or from those of these channels.

    Errors for whose channel, words and article `alike` returns the same are counted together, under the words of the
    one that began first. Words may well differ from one delivery to the next, so there may be as many as deliveries.
    """
    mine = deliveries.c.channel.in_(sorted(channels)) if channels is not None else sa.true()
    for abandoned, where in ((True, IS_ABANDONED), (False, _RETRIED)):
        query = (
            sa.select(
                deliveries.c.channel,
                _ERROR,
                sa.func.count(),
                sa.func.min(sa.func.coalesce(_BEGAN, _CHANGED)),
                sa.func.max(_CHANGED),
                sa.func.min(_DUE),
                sa.func.min(deliveries.c.article),
                sa.func.min(deliveries.c.id),
                sa.func.min(_CHANGED),
                _COUNTED[abandoned],
            )
            .where(where, mine)
            .group_by(deliveries.c.channel, _ERROR)
        )
        merged: dict[Hashable, _Sum] = {}
        for row in transaction.execute(query):
            channel, error, count, first, last, due, article, delivery, since, counted = row
            key = alike(channel, error, article)
            if (known := merged.get(key)) is None:
                merged[key] = _Sum(channel, error, count, first, last, due, article, delivery, since, counted)
            else:
                known.add(error, count, first, last, due, article, delivery, since, counted)
        yield from (one.tally(abandoned) for one in merged.values())


class _Sum(Struct):
    """Deliveries under the words and names of the one that began first. Times are microseconds since 1970."""

    channel: str
    error: str
    count: int
    first: int
    last: int
    due: int | None
    article: str
    delivery: str
    since: int
    counted: int

    def add(
        self,
        error: str,
        count: int,
        first: int,
        last: int,
        due: int | None,
        article: str,
        delivery: str,
        since: int,
        counted: int,
    ) -> None:
        self.count += count
        self.counted += counted
        if first < self.first:
            self.error, self.first, self.article, self.delivery = error, first, article, delivery
        self.last = max(self.last, last)
        if due is not None and (self.due is None or due < self.due):
            self.due = due
        self.since = min(self.since, since)

    def tally(self, abandoned: bool) -> Tally:
        return Tally(
            channel=self.channel,
            error=self.error,
            abandoned=self.count if abandoned else 0,
            retried=0 if abandoned else self.count,
            first=moment_of(self.first),
            last=moment_of(self.last),
            due=None if self.due is None else moment_of(self.due),
            article=self.article,
            delivery=self.delivery,
            since=moment_of(self.since),
            dead=self.counted if abandoned else 0,
            refused=0 if abandoned else self.counted,
        )


def of_channel(transaction: Transaction, channel: str) -> list[Failed]:
    """Return the channel's failing deliveries that may be made due now. One that is being sent is not among them.

    Two queries, each answered by an index: a channel may have a million deliveries that do not fail.
    """
    query = sa.select(deliveries.c.id, deliveries.c.article, _ERROR, deliveries.c.changed)
    mine = query.where(deliveries.c.channel == channel)
    waiting = mine.where(_RETRIED, deliveries.c.state == "pending")
    found = [Failed(*row) for part in (mine.where(IS_ABANDONED), waiting) for row in transaction.execute(part)]
    return sorted(found, key=lambda one: one.article)


def abandoned_of(transaction: Transaction, article_ids: Sequence[str], *, until: dt.datetime) -> list[str]:
    """Return the deliveries of these articles that were given up by then."""
    found: list[str] = []
    for some in chunks(article_ids):
        mine = (deliveries.c.article.in_(some), IS_ABANDONED, deliveries.c.changed <= until)
        found += transaction.scalars(sa.select(deliveries.c.id).where(*mine).order_by(deliveries.c.article))
    return found


def replay(transaction: Transaction, ids: Sequence[str], *, now: dt.datetime) -> list[Replayed]:
    """Make these deliveries due now, with all their attempts restored, and return them as they were."""
    columns = (deliveries.c[name] for name in Replayed.__struct_fields__ if name != "revision")
    query = sa.select(*columns, deliveries.c.target_revision.label("revision"))
    again: list[Replayed] = []
    for some in chunks(ids):
        these = deliveries.c.id.in_(some)
        again += [Replayed(**row._mapping) for row in transaction.execute(query.where(these))]
        transaction.execute(sa.update(deliveries).where(these).values(**afresh(now)))
    return again
