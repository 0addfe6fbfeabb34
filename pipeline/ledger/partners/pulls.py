"""Pages of changes that partners have fetched, and what each partner has confirmed."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.kept import one_of
from pipeline.ledger.partners.changes import Change
from pipeline.ledger.tables import changes, channel_contents, deliveries, pull_positions, pulls
from pipeline.ledger.tables.base import by_key
from pipeline.model.revision import EventType

_ONCE = 5_000  # deliveries
_NOTICED = dt.timedelta(minutes=1)  # precision of the time of a partner's last request


class Position(Struct, frozen=True):
    """How far a partner has got."""

    taken: int  # it has confirmed everything up to this sequence number
    seen: dt.datetime  # its last request, to the minute
    token: str  # the name of the token that it used


def mark_available(transaction: Transaction, channel: str, *, now: dt.datetime) -> int:
    """Make due deliveries of a pull channel available to its partner instead of workers, and return how many.

    Rows that another transaction is changing stay due and are found again, because waiting for one while holding others
    could deadlock. So do rows that a worker is still pushing because the channel has only just become a pull channel.
    """
    ids = list(transaction.scalars(_DUE, {"at_channel": channel, **claims.at(now)}))
    if ids:
        transaction.execute(_MAKE_AVAILABLE, {"these": ids, "now": now})
    return len(ids)


_DUE = (
    sa.select(deliveries.c.id)
    .where(deliveries.c.channel == sa.bindparam("at_channel"), claims.is_due_then(deliveries))
    .limit(_ONCE)
    .with_for_update(skip_locked=True)
)
_MAKE_AVAILABLE = (
    sa.update(deliveries)
    .where(one_of(deliveries.c.id, "these"))
    .values(state="pending", due=None, available=claims.NOW, attempted=True, changed=claims.NOW)
)


def position(transaction: Transaction, channel: str) -> Position | None:
    """Return how far the channel's partner has got, or None if it never made a request."""
    return positions(transaction, [channel]).get(channel)


def positions(transaction: Transaction, channels: Collection[str]) -> dict[str, Position]:
    """Return how far the partner of each channel has got; those that never made a request are left out."""
    found: dict[str, Position] = {}
    columns = (pull_positions.c.channel, pull_positions.c.taken, pull_positions.c.seen, pull_positions.c.token)
    for some in chunks(channels):
        for channel, *row in transaction.execute(sa.select(*columns).where(pull_positions.c.channel.in_(some))):
            found[channel] = Position(*row)
    return found


def is_new_request(transaction: Transaction, channel: str, *, after: int, token: str, now: dt.datetime) -> bool:
    """Return whether a request is worth recording: a later cursor, another token, or the first within a minute."""
    known = position(transaction, channel)
    return known is None or after > known.taken or token != known.token or now - known.seen >= _NOTICED


def record_request(transaction: Transaction, channel: str, *, after: int, token: str, now: dt.datetime) -> None:
    """Record a request for what follows `after`, which confirms everything up to it."""
    row = {"taken": after, "seen": now, "token": token}
    upsert = insert(transaction, pull_positions).values(channel=channel, **row)
    further = sa.case((pull_positions.c.taken < after, after), else_=pull_positions.c.taken)
    key = [pull_positions.c.channel]
    transaction.execute(upsert.on_conflict_do_update(index_elements=key, set_=row | {"taken": further}))


def record_page(
    transaction: Transaction, channel: str, page: Sequence[Change], *, token: str, now: dt.datetime
) -> None:
    """Record that a partner was given this page of changes."""
    row = {"channel": channel, "token": token, "at": now, "count": len(page)}
    transaction.execute(sa.insert(pulls).values(**row, first=page[0].seq, last=page[-1].seq))


def last_of(transaction: Transaction, channel: str, token: str) -> int:
    """Return the last sequence number given to a token, or 0 if it was given none."""
    mine = (pulls.c.channel == channel, pulls.c.token == token)
    return transaction.scalar(sa.select(pulls.c.last).where(*mine).order_by(pulls.c.last.desc()).limit(1)) or 0


def unseen(transaction: Transaction, channel: str, page: Sequence[Change]) -> list[str]:
    """Return the ids of the deliveries of these changes that no partner has been shown."""
    named = deliveries.c.article.in_({change.article for change in page})
    mine = (deliveries.c.channel == channel, named, deliveries.c.attempted.is_(False))
    return list(transaction.scalars(sa.select(deliveries.c.id).where(*mine)))


def mark_seen(transaction: Transaction, delivery_id: str) -> None:
    """Record that the partner may have seen the article, and so must also receive its withdrawal."""
    transaction.execute(sa.update(deliveries).where(deliveries.c.id == delivery_id).values(attempted=True))


class Pull(Struct, frozen=True):
    token: str
    at: dt.datetime
    first: int
    last: int
    count: int


def every(transaction: Transaction, channel: str, *, limit: int = 1000) -> list[Pull]:
    """Return the newest `limit` pages that were fetched, oldest first."""
    columns = [pulls.c[field] for field in Pull.__struct_fields__]
    newest = sa.select(*columns).where(pulls.c.channel == channel).order_by(pulls.c.id.desc()).limit(limit)
    return [Pull(*row) for row in transaction.execute(newest)][::-1]


class PulledArticle(Struct, frozen=True):
    """The newest change of an article that the partner has, and when it fetched it."""

    article: str
    revision: int
    event: EventType
    digest: str | None
    at: dt.datetime


def between(transaction: Transaction, channel: str, *, after: int, up_to: int, now: dt.datetime) -> list[PulledArticle]:
    """Return what the partner has received between two sequence numbers: the newest change of each article."""
    touching = (pulls.c.channel == channel, pulls.c.last > after, pulls.c.first <= up_to)
    columns = (pulls.c.first, pulls.c.last, pulls.c.at)
    handed = [_Handed(*row) for row in transaction.execute(sa.select(*columns).where(*touching).order_by(pulls.c.id))]
    mine = (changes.c.channel == channel, changes.c.seq > after, changes.c.seq <= up_to)
    newest = sa.select(sa.func.max(changes.c.seq)).where(*mine).group_by(changes.c.article)
    facts = (changes.c.seq, changes.c.article, changes.c.revision, changes.c.event, changes.c.digest)
    query = sa.select(*facts).where(*mine, changes.c.seq.in_(newest)).order_by(changes.c.seq)
    rows = transaction.execute(query).all()
    times = _first_handed(handed, [row.seq for row in rows])
    return [
        PulledArticle(
            article=row.article,
            revision=row.revision,
            event=row.event,
            digest=row.digest,
            at=at or now,
        )
        for row, at in zip(rows, times, strict=True)
    ]


class _Handed(Struct, frozen=True):
    """A page that was fetched: its changes by their numbers, and when."""

    first: int
    last: int
    at: dt.datetime


def _first_handed(handed: Sequence[_Handed], numbers: Sequence[int]) -> list[dt.datetime | None]:
    """Return when each of the ascending numbers was on a page for the first time; `handed` is in that order.

    Pages overlap where a partner repeated a request, so the open ones are kept in a heap, the earliest on top.
    """
    opening = sorted(range(len(handed)), key=lambda position: handed[position].first, reverse=True)
    shown: list[int] = []
    found: list[dt.datetime | None] = []
    for number in numbers:
        while opening and handed[opening[-1]].first <= number:
            heapq.heappush(shown, opening.pop())
        while shown and handed[shown[0]].last < number:
            heapq.heappop(shown)
        found.append(handed[shown[0]].at if shown else None)
    return found


def confirm_received(
    transaction: Transaction, channel: str, received: Sequence[PulledArticle], *, wait: bool, now: dt.datetime
) -> list[PulledArticle]:
    """Record that the partner has these, and return those left out because their deliveries are locked.

    With `wait`, wait for the locks instead. Then pass one article at a time, each in its own transaction: waiting for a
    row lock while holding others can deadlock.
    """
    mine = (deliveries.c.channel == channel, deliveries.c.article.in_([one.article for one in received]))
    known = set(transaction.scalars(sa.select(deliveries.c.article).where(*mine)))
    columns = by_key((deliveries.c.article, deliveries.c.delivered_revision, deliveries.c.delivered_event))
    query = sa.select(*columns).where(*mine).with_for_update(skip_locked=not wait)
    had = {row.article: row for row in transaction.execute(query)}
    news = [
        one
        for one in received
        if (row := had.get(one.article)) is not None
        and (row.delivered_revision, row.delivered_event) != (one.revision, one.event)
    ]
    if news:
        values = [structs.asdict(one) | {"channel": channel} for one in news]
        transaction.execute(sa.insert(channel_contents), values)
        rows = [
            {"of": one.article, "by": channel, "number": one.revision, "kind": one.event, "bytes": one.digest}
            for one in news
        ]
        transaction.execute(_CONFIRMED, [row | {"now": now} for row in rows])
    return [one for one in received if one.article in known - had.keys()]


# To the partner, a revision with the same bytes is not a change. A worker that still pushes an older revision, where
# the channel used to be pushed to, finds its lease gone.
_BYTES = sa.bindparam("bytes", type_=sa.String)
_SAME = deliveries.c.target_digest.is_not_distinct_from(_BYTES)
_CURRENT = sa.or_(deliveries.c.target_revision <= sa.bindparam("number", type_=sa.Integer), _SAME)
_CONFIRMED = (
    sa.update(deliveries)
    .where(deliveries.c.channel == sa.bindparam("by"), deliveries.c.article == sa.bindparam("of"))
    .values(
        delivered_revision=sa.case(
            (_SAME, deliveries.c.target_revision), else_=sa.bindparam("number", type_=sa.Integer)
        ),
        delivered_digest=_BYTES,
        delivered_event=sa.bindparam("kind"),
        state=sa.case((_CURRENT, "delivered"), else_=deliveries.c.state),
        due=sa.case((_CURRENT, sa.null()), else_=deliveries.c.due),
        available=sa.case((_CURRENT, sa.null()), else_=deliveries.c.available),
        changed=sa.bindparam("now"),
        lease=None,
        leased_until=None,
    )
)


def forget(transaction: Transaction, *, before: dt.datetime, limit: int) -> int:
    """Delete old records of pages that the partner has confirmed: what it has is recorded with each article."""
    confirmed = sa.select(pull_positions.c.taken).where(pull_positions.c.channel == pulls.c.channel).scalar_subquery()
    old = sa.select(pulls.c.id).where(pulls.c.at < before, pulls.c.last <= confirmed).order_by(pulls.c.id).limit(limit)
    return transaction.execute(sa.delete(pulls).where(pulls.c.id.in_(old))).rowcount
