"""The hub's subscriptions: who is owed the newest document of which feed. Requests for them: `subscription_requests`.

As a channel, a subscriber is brought to a state: `wanted` is the digest of the newest document, `held` that of the one
which it took last. However many documents there were in between, it is pushed the newest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, insert, instant
from pipeline.ledger.tables import feed_documents, subscriptions


class Subscription(Struct, frozen=True, kw_only=True):
    id: str
    feed: str
    format: str
    topic: str
    callback: str
    host: str
    secret: str | None
    wanted: str | None
    held: str | None
    attempts: int


def id_of(topic: str, callback: str) -> str:
    """Of the subscription that a topic and a callback are (WebSub, section 5.1): there is one for each pair."""
    return "sub_" + hashlib.sha256(f"{topic}\n{callback}".encode()).hexdigest()[:40]


# --- who is subscribed --------------------------------------------------------------------------------------------


def keep(transaction: Transaction, *, expires: dt.datetime, now: dt.datetime, **of: object) -> None:
    """A verified subscription, new or renewed. A new one holds the document of this moment: it asked for what follows.

    `of`: `id`, `feed`, `format`, `topic`, `callback`, `host`, `secret`.
    """
    # The lock has whoever replaces the document just now go before or after this: then its change is told of here.
    document = sa.select(feed_documents.c.digest).where(
        feed_documents.c.feed == of["feed"], feed_documents.c.format == of["format"]
    )
    digest = transaction.scalar(document.with_for_update())
    new = insert(transaction, subscriptions).values(
        **of, since=now, expires=expires, wanted=digest, held=digest, suspect=False, attempts=0
    )
    renewed = {"secret": of["secret"], "expires": expires}
    # One that had run out begins anew.
    ran_out = subscriptions.c.expires <= now
    for name in ("wanted", "held"):
        renewed[name] = sa.case((ran_out, new.excluded[name]), else_=subscriptions.c[name])
    renewed["due"] = sa.case((ran_out, sa.null()), else_=subscriptions.c.due)
    renewed["attempts"] = sa.case((ran_out, 0), else_=subscriptions.c.attempts)
    transaction.execute(new.on_conflict_do_update(index_elements=[subscriptions.c.id], set_=renewed))


def end(transaction: Transaction, id: str) -> bool:
    """Whether there was one."""
    return transaction.execute(sa.delete(subscriptions).where(subscriptions.c.id == id)).rowcount == 1


def exists(transaction: Transaction, id: str, *, now: dt.datetime) -> bool:
    mine = sa.select(subscriptions.c.id).where(subscriptions.c.id == id, subscriptions.c.expires > now)
    return transaction.execute(mine).first() is not None


def count(transaction: Transaction, *, host: str | None = None, now: dt.datetime) -> int:
    """Of all hosts, or of one; those whose lease has run out are none."""
    where = [subscriptions.c.expires > now]
    if host is not None:
        where.append(subscriptions.c.host == host)
    return transaction.scalar(sa.select(sa.func.count()).select_from(subscriptions).where(*where)) or 0


def forget_expired(transaction: Transaction, *, now: dt.datetime) -> int:
    return transaction.execute(sa.delete(subscriptions).where(subscriptions.c.expires <= now)).rowcount


def of_other_topics(transaction: Transaction, topics: Collection[str], *, limit: int) -> list[Subscription]:
    """Subscriptions to what is no topic (any more)."""
    query = sa.select(*_SUBSCRIPTION).where(subscriptions.c.topic.not_in(topics)).limit(limit)
    return [Subscription(**row._mapping) for row in transaction.execute(query)]


# --- what they are owed -------------------------------------------------------------------------------------------


def changed(transaction: Transaction, feed_id: str, documents: Mapping[str, str], *, now: dt.datetime) -> bool:
    """These documents of the feed stand now, by format, with their digests. Whether anybody is owed one of them.

    To be called in the transaction that keeps the documents. A subscriber that did not answer is tried when its time
    has come, and then with what is newest.
    """
    owed = 0
    for format, digest in sorted(documents.items()):
        stale = (
            subscriptions.c.feed == feed_id,
            subscriptions.c.format == format,
            subscriptions.c.expires > now,
            subscriptions.c.wanted.is_distinct_from(digest),
        )
        soon = sa.case((subscriptions.c.attempts > 0, subscriptions.c.due), else_=instant(now))
        update = sa.update(subscriptions).where(*stale).values(wanted=digest, due=sa.func.coalesce(soon, instant(now)))
        owed += transaction.execute(update).rowcount
    return owed > 0


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
    """Lease what is owed to subscribers that answered last time, or to those that were slow or silent.

    `busy`: hosts that have enough of our requests.
    """
    where = [subscriptions.c.suspect.is_(slow), subscriptions.c.expires > now]
    if busy:
        where.append(subscriptions.c.host.not_in(busy))
    ids = claims.claim(transaction, subscriptions.c.id, token=token, now=now, seconds=seconds, limit=limit, where=where)
    query = sa.select(*_SUBSCRIPTION).where(subscriptions.c.id.in_(ids)).order_by(subscriptions.c.id)
    return [Subscription(**row._mapping) for row in transaction.execute(query)]


def any_due(transaction: Transaction, *, slow: bool, now: dt.datetime) -> bool:
    where = (subscriptions.c.suspect.is_(slow), subscriptions.c.expires > now)
    return claims.any_due(transaction, subscriptions, now, *where)


def pushed(transaction: Transaction, id: str, digest: str | None, *, token: str, slow: bool, now: dt.datetime) -> None:
    """The subscriber has this document. If another is wanted by now, that is due at once."""
    newest = sa.or_(subscriptions.c.wanted.is_(None), subscriptions.c.wanted == digest)
    _settle(
        transaction,
        id,
        token,
        held=digest,
        suspect=slow,
        attempts=0,
        error=None,
        due=sa.case((newest, sa.null()), else_=instant(now)),
    )


def failed(transaction: Transaction, id: str, *, token: str, due: dt.datetime, error: str) -> None:
    """The subscriber did not take it. What is newest is tried again at `due`."""
    attempts = subscriptions.c.attempts + 1
    _settle(transaction, id, token, suspect=True, attempts=attempts, error=error, due=due)


def release(transaction: Transaction, ids: list[str], *, token: str) -> None:
    """Give back what was claimed and not pushed."""
    claims.release(transaction, subscriptions.c.id, ids, token=token)


_SUBSCRIPTION = tuple(subscriptions.c[field] for field in Subscription.__struct_fields__)


def _settle(transaction: Transaction, id: str, token: str, **values: object) -> None:
    mine = sa.and_(subscriptions.c.id == id, subscriptions.c.lease == token)
    transaction.execute(sa.update(subscriptions).where(mine).values(lease=None, leased_until=None, **values))
