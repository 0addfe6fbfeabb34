"""Pages of changes that partners have fetched, and what each partner has confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.deliveries import channel_contents
from pipeline.ledger.partners.changes import Change
from pipeline.ledger.tables import changes, deliveries, pull_positions, pulls
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
    due = (deliveries.c.channel == channel, claims.is_due(deliveries, now))
    ids = list(
        transaction.scalars(sa.select(deliveries.c.id).where(*due).limit(_ONCE).with_for_update(skip_locked=True))
    )
    waits = {"state": "pending", "due": None, "available": now, "attempted": True, "changed": now}
    if ids:
        transaction.execute(sa.update(deliveries).where(deliveries.c.id.in_(ids)).values(**waits))
    return len(ids)


def position(transaction: Transaction, channel: str) -> Position | None:
    """Return how far the channel's partner has got, or None if it never made a request."""
    columns = (pull_positions.c.taken, pull_positions.c.seen, pull_positions.c.token)
    row = transaction.execute(sa.select(*columns).where(pull_positions.c.channel == channel)).one_or_none()
    return None if row is None else Position(*row)


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
    handed = transaction.execute(
        sa.select(pulls.c.first, pulls.c.last, pulls.c.at).where(*touching).order_by(pulls.c.id)
    ).all()
    mine = (changes.c.channel == channel, changes.c.seq > after, changes.c.seq <= up_to)
    newest = sa.select(sa.func.max(changes.c.seq)).where(*mine).group_by(changes.c.article)
    columns = (changes.c.seq, changes.c.article, changes.c.revision, changes.c.event, changes.c.digest)
    rows = transaction.execute(sa.select(*columns).where(*mine, changes.c.seq.in_(newest)).order_by(changes.c.seq))
    return [
        PulledArticle(
            article=row.article,
            revision=row.revision,
            event=row.event,
            digest=row.digest,
            at=next((pull.at for pull in handed if pull.first <= row.seq <= pull.last), now),
        )
        for row in rows
    ]


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
    for one in received:
        row = had.get(one.article)
        if row is not None and (row.delivered_revision, row.delivered_event) != (one.revision, one.event):
            _confirm(transaction, channel, one, now)
    return [one for one in received if one.article in known - had.keys()]


def _confirm(transaction: Transaction, channel: str, one: PulledArticle, now: dt.datetime) -> None:
    channel_contents.add(
        transaction,
        article_id=one.article,
        channel=channel,
        revision=one.revision,
        event=one.event,
        digest=one.digest,
        at=one.at,
    )
    same = deliveries.c.target_digest == one.digest  # to the partner, a revision with the same bytes is not a change
    current = sa.or_(deliveries.c.target_revision <= one.revision, same)
    has_it = {
        "delivered_revision": sa.case((same, deliveries.c.target_revision), else_=one.revision),
        "delivered_digest": one.digest,
        "delivered_event": one.event,
        "state": sa.case((current, "delivered"), else_=deliveries.c.state),
        "due": sa.case((current, sa.null()), else_=deliveries.c.due),
        "available": sa.case((current, sa.null()), else_=deliveries.c.available),
        "changed": now,
    }
    # A worker that still pushes an older revision, where the channel used to be pushed to, finds its lease gone.
    revoked = {"lease": None, "leased_until": None}
    mine = (deliveries.c.channel == channel, deliveries.c.article == one.article)
    transaction.execute(sa.update(deliveries).where(*mine).values(**has_it, **revoked))


def forget(transaction: Transaction, *, before: dt.datetime, limit: int) -> int:
    """Delete old records of pages that the partner has confirmed: what it has is recorded with each article."""
    confirmed = sa.select(pull_positions.c.taken).where(pull_positions.c.channel == pulls.c.channel).scalar_subquery()
    old = sa.select(pulls.c.id).where(pulls.c.at < before, pulls.c.last <= confirmed).order_by(pulls.c.id).limit(limit)
    return transaction.execute(sa.delete(pulls).where(pulls.c.id.in_(old))).rowcount
