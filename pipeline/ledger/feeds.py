"""Which feeds are stale, what belongs into them, and what was built."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, insert, instant
from pipeline.ledger.tables import articles, feed_documents, feeds, topics


class Document(Struct, frozen=True):
    """A built feed; its bytes lie in the rendition store under the digest."""

    media_type: str
    digest: str
    modified: dt.datetime


def make_due(transaction: Transaction, feed_ids: Collection[str], *, now: dt.datetime) -> None:
    """These feeds are stale. One that was stale already stays as due as it was: a burst costs one build."""
    for feed_id in sorted(feed_ids):
        stale = insert(transaction, feeds).values(id=feed_id, generation=1, due=now, attempts=0)
        sooner = {"generation": feeds.c.generation + 1, "due": sa.func.coalesce(feeds.c.due, stale.excluded.due)}
        transaction.execute(stale.on_conflict_do_update(index_elements=[feeds.c.id], set_=sooner))


def make_all_due(transaction: Transaction, *, now: dt.datetime) -> None:
    """Every feed that there is may hold what has changed."""
    make_due(transaction, list(transaction.scalars(sa.select(feeds.c.id))), now=now)


def claim_due(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> dict[str, int]:
    """Stale feeds and their generations: the change after which each was seen to be stale."""
    claimed = claims.claim(transaction, feeds.c.id, token=token, now=now, seconds=seconds, limit=limit)
    rows = transaction.execute(sa.select(feeds.c.id, feeds.c.generation).where(feeds.c.id.in_(claimed)))
    return dict(rows.all())


def built(transaction: Transaction, feed_id: str, *, token: str, generation: int, again: dt.datetime) -> None:
    """The feed was built as of `generation`. A change since then makes it due `again`."""
    due = sa.case((feeds.c.generation == generation, sa.null()), else_=instant(again))
    _settle(transaction, feed_id, token, due=due, attempts=0, error=None)


def put_off(transaction: Transaction, feed_id: str, *, token: str, due: dt.datetime, error: str) -> None:
    _settle(transaction, feed_id, token, due=due, attempts=feeds.c.attempts + 1, error=error)


def release(transaction: Transaction, feed_ids: list[str], *, token: str) -> None:
    """Give back what was claimed and not built."""
    claims.release(transaction, feeds.c.id, feed_ids, token=token)


def attempts_at(transaction: Transaction, feed_id: str) -> int:
    """How many times in a row building the feed has failed."""
    return transaction.scalar(sa.select(feeds.c.attempts).where(feeds.c.id == feed_id)) or 0


def entries(
    transaction: Transaction, slugs: Collection[str], *, state: str, limit: int
) -> list[tuple[str, int, dt.datetime]]:
    """The newest articles in a state that were ever shown, under any of these topics (none: all); newest first.

    Each with the revision to show and its date.
    """
    query = sa.select(articles.c.id, articles.c.rendered, articles.c.updated).where(
        articles.c.state == state, articles.c.rendered.is_not(None)
    )
    if slugs:
        query = query.where(articles.c.id.in_(sa.select(topics.c.article).where(topics.c.topic.in_(slugs))))
    query = query.order_by(articles.c.updated.desc(), articles.c.id).limit(limit)
    return [tuple(row) for row in transaction.execute(query)]


def document(transaction: Transaction, feed_id: str, format: str) -> Document | None:
    columns = (feed_documents.c.media_type, feed_documents.c.digest, feed_documents.c.modified)
    where = (feed_documents.c.feed == feed_id, feed_documents.c.format == format)
    row = transaction.execute(sa.select(*columns).where(*where)).one_or_none()
    return None if row is None else Document(*row)


def keep_document(transaction: Transaction, feed_id: str, format: str, document: Document) -> None:
    """Replace what was built. The same bytes keep the time at which they came to be."""
    new = {name: getattr(document, name) for name in Document.__struct_fields__}
    upsert = insert(transaction, feed_documents).values(feed=feed_id, format=format, **new)
    key = [feed_documents.c.feed, feed_documents.c.format]
    changed = feed_documents.c.digest != document.digest
    transaction.execute(upsert.on_conflict_do_update(index_elements=key, set_=new, where=changed))


def _settle(transaction: Transaction, feed_id: str, token: str, **values: object) -> None:
    mine = sa.and_(feeds.c.id == feed_id, feeds.c.lease == token)
    transaction.execute(sa.update(feeds).where(mine).values(lease=None, leased_until=None, **values))
