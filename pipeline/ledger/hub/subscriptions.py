"""The hub's subscriptions: which subscriber should be pushed the newest document of which feed.

Like a channel, a subscriber is brought to a state: `target_digest` is the digest of the newest document and
`delivered_digest` that of the one it last accepted. It is pushed the newest, however many there were in between. For
requests to subscribe, see `requests`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Instant, Transaction, insert, instant
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import feed_documents, subscriptions
from pipeline.ledger.tables.base import by_key


class Subscription(Struct, frozen=True, kw_only=True):
    id: str
    feed: str
    format: str
    topic: str
    callback: str
    host: str
    secret: str | None
    target_digest: str | None
    delivered_digest: str | None
    attempts: int


def id_of(topic: str, callback: str) -> str:
    """Return the id of the one subscription of a topic and a callback (WebSub, section 5.1)."""
    return "sub_" + hashlib.sha256(f"{topic}\n{callback}".encode()).hexdigest()[:40]


# --- who is subscribed ----------------------------------------------------------------------------------------------


def keep(transaction: Transaction, *, expires: dt.datetime, now: dt.datetime, **of: object) -> None:
    """Store a new or renewed subscription after verification. A new one counts as having the current document.

    `of` are its `id`, `feed`, `format`, `topic`, `callback`, `host`, `secret` and, for a new one, `client`.
    """
    # A transaction that is replacing the document commits before this lock is acquired, or sees this subscription.
    document = sa.select(feed_documents.c.digest).where(
        feed_documents.c.feed == of["feed"], feed_documents.c.format == of["format"]
    )
    digest = transaction.scalar(document.with_for_update())
    new = insert(transaction, subscriptions).values(
        **of, since=now, expires=expires, target_digest=digest, delivered_digest=digest, suspect=False, attempts=0
    )
    renewed = {"secret": of["secret"], "expires": expires}
    # One that had expired starts over.
    ran_out = subscriptions.c.expires <= now
    for name in ("target_digest", "delivered_digest"):
        renewed[name] = sa.case((ran_out, new.excluded[name]), else_=subscriptions.c[name])
    renewed["due"] = sa.case((ran_out, sa.null()), else_=subscriptions.c.due)
    renewed["attempts"] = sa.case((ran_out, 0), else_=subscriptions.c.attempts)
    transaction.execute(new.on_conflict_do_update(index_elements=[subscriptions.c.id], set_=renewed))


def end(transaction: Transaction, id: str) -> bool:
    """Delete a subscription; return whether there was one."""
    return transaction.execute(sa.delete(subscriptions).where(subscriptions.c.id == id)).rowcount == 1


def exists(transaction: Transaction, id: str, *, now: dt.datetime) -> bool:
    mine = sa.select(subscriptions.c.id).where(subscriptions.c.id == id, subscriptions.c.expires > now)
    return transaction.execute(mine).first() is not None


def count(
    transaction: Transaction,
    *,
    now: dt.datetime,
    feed: str | None = None,
    host: str | None = None,
    client: str | None = None,
) -> int:
    """Count the subscriptions that have not expired: all, those to a feed, of a host, or that one client asked for."""
    where = [subscriptions.c.expires > now]
    for column, value in (("feed", feed), ("host", host), ("client", client)):
        if value is not None:
            where.append(subscriptions.c[column] == value)
    return transaction.scalar(sa.select(sa.func.count()).select_from(subscriptions).where(*where)) or 0


def forget_expired(transaction: Transaction, *, now: dt.datetime) -> int:
    return transaction.execute(sa.delete(subscriptions).where(subscriptions.c.expires <= now)).rowcount


class Follower(Struct, frozen=True, kw_only=True):
    """A subscription as an operator sees it: not the callback, whose address is its subscriber's secret."""

    id: str
    format: str
    topic: str
    host: str
    since: dt.datetime
    expires: dt.datetime
    due: dt.datetime | None
    attempts: int
    error: str | None


def of_feed(transaction: Transaction, feed: str, *, now: dt.datetime, after: str, limit: int) -> list[Follower]:
    """Return a feed's subscriptions that have not expired, by id. `after`: an id, or ""."""
    mine = (subscriptions.c.feed == feed, subscriptions.c.expires > now, subscriptions.c.id > after)
    columns = [subscriptions.c[field] for field in Follower.__struct_fields__]
    query = sa.select(*columns).where(*mine).order_by(subscriptions.c.id).limit(limit)
    return [Follower(**row._mapping) for row in transaction.execute(query)]


def of_other_topics(transaction: Transaction, topics: Collection[str], *, limit: int) -> list[Subscription]:
    """Return subscriptions to topics that do not exist, or no longer do."""
    query = sa.select(*_SUBSCRIPTION).where(subscriptions.c.topic.not_in(topics)).limit(limit)
    return [Subscription(**row._mapping) for row in transaction.execute(query)]


# --- pushing --------------------------------------------------------------------------------------------------------


_NOW = sa.bindparam("now_due", type_=Instant())
_SOON = sa.case((subscriptions.c.attempts > 0, subscriptions.c.due), else_=_NOW)
_PUSH = (
    sa.update(subscriptions)
    .where(
        subscriptions.c.feed == sa.bindparam("of_feed"),
        subscriptions.c.format == sa.bindparam("in_format"),
        subscriptions.c.expires > _NOW,
        subscriptions.c.target_digest.is_distinct_from(sa.bindparam("now_digest", type_=sa.String())),
    )
    .values(target_digest=sa.bindparam("now_digest", type_=sa.String()), due=sa.func.coalesce(_SOON, _NOW))
)


def changed(transaction: Transaction, feed_id: str, documents: Mapping[str, str], *, now: dt.datetime) -> bool:
    """Schedule pushes of the feed's new documents (digests by format); return whether any subscriber wants one.

    Call this in the transaction that stores the documents. A subscriber that did not answer is retried at its scheduled
    time, with the document that is newest by then.
    """
    waiting = 0
    for format, digest in sorted(documents.items()):
        new = {"of_feed": feed_id, "in_format": format, "now_digest": digest, "now_due": now}
        waiting += transaction.execute(_PUSH, new).rowcount
    return waiting > 0


_SUSPECT, _WELL = subscriptions.c.suspect.is_(True), subscriptions.c.suspect.is_(False)
_LASTS = subscriptions.c.expires > claims.NOW
_NOT_BUSY = sa.not_(one_of(subscriptions.c.host, "busy"))
_DUE = {slow: Claims(subscriptions.c.id, _SUSPECT if slow else _WELL, _LASTS) for slow in (False, True)}
_DUE_ELSEWHERE = {
    slow: Claims(subscriptions.c.id, _SUSPECT if slow else _WELL, _LASTS, _NOT_BUSY) for slow in (False, True)
}


def claim_due(
    transaction: Transaction,
    *,
    slow: bool,
    token: str,
    now: dt.datetime,
    seconds: float,
    limit: int,
    busy: Collection[str] = (),
) -> list[Subscription]:
    """Lease pushes that are due to subscribers that answered last time or, if `suspect`, were slow or silent.

    Hosts in `busy` have enough requests in flight and are left out.
    """
    due, asked = (_DUE_ELSEWHERE if busy else _DUE)[slow], {"busy": list(busy)} if busy else {}
    ids = due.claim(transaction, token=token, now=now, seconds=seconds, limit=limit, asked=asked)
    query = sa.select(*_SUBSCRIPTION).where(subscriptions.c.id.in_(ids)).order_by(subscriptions.c.id)
    return [Subscription(**row._mapping) for row in transaction.execute(query)]


def any_due(transaction: Transaction, *, slow: bool, now: dt.datetime) -> bool:
    return claims.any_due(transaction, subscriptions, now, _SUSPECT if slow else _WELL, _LASTS)


def due_rows(now: dt.datetime) -> DueRows:
    """Return the pushes that are due, each lane's from its part of an index."""
    lanes = (subscriptions.c.suspect.is_(slow) for slow in (False, True))
    is_due = (subscriptions.c.due <= now, subscriptions.c.expires > now)
    return DueRows(tuple(claims.count_of(subscriptions, lane, *is_due) for lane in lanes))


def pushed(transaction: Transaction, id: str, digest: str | None, *, token: str, slow: bool, now: dt.datetime) -> None:
    """Record that the subscriber has this document. If there is a newer one by now, it is due at once."""
    newest = sa.or_(subscriptions.c.target_digest.is_(None), subscriptions.c.target_digest == digest)
    _settle(
        transaction,
        id,
        token,
        delivered_digest=digest,
        suspect=slow,
        attempts=0,
        error=None,
        due=sa.case((newest, sa.null()), else_=instant(now)),
    )


def failed(transaction: Transaction, id: str, *, token: str, due: dt.datetime, error: str) -> None:
    """Record that the subscriber did not accept the document. The newest is tried again at `due`."""
    attempts = subscriptions.c.attempts + 1
    _settle(transaction, id, token, suspect=True, attempts=attempts, error=error, due=due)


def release(transaction: Transaction, ids: list[str], *, token: str) -> None:
    """Release subscriptions that were claimed but not pushed to."""
    _DUE[False].release(transaction, ids, token=token)


_SUBSCRIPTION = by_key(subscriptions.c[field] for field in Subscription.__struct_fields__)


def _settle(transaction: Transaction, id: str, token: str, **values: object) -> None:
    mine = sa.and_(subscriptions.c.id == id, subscriptions.c.lease == token)
    transaction.execute(sa.update(subscriptions).where(mine).values(lease=None, leased_until=None, **values))
