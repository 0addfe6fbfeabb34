"""Which feeds are stale, because of which articles, and their built documents. For their pages, see `pages`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.kept import NewInsert, kept, one_of
from pipeline.ledger.tables import articles, feed_changes, feed_documents, feed_entries, feeds


class Document(Struct, frozen=True):
    """A built feed. Its bytes are in the rendition store under the digest."""

    media_type: str
    digest: str
    modified: dt.datetime
    writing: bool = False  # its file may hold other bytes, because a write was begun and never recorded


_OF_FEED = feeds.c.id == sa.bindparam("feed_id")
_MINE = sa.and_(_OF_FEED, feeds.c.lease == sa.bindparam("token"))
_DUE = Claims(feeds.c.id)


@kept
def _make_due(insert: NewInsert) -> sa.Insert:
    stale = insert(feeds)
    rested = sa.case((feeds.c.rest_until > stale.excluded.due, feeds.c.rest_until), else_=stale.excluded.due)
    sooner = {"generation": feeds.c.generation + 1, "due": sa.func.coalesce(feeds.c.due, rested)}
    return stale.on_conflict_do_update(index_elements=[feeds.c.id], set_=sooner)


def make_due(transaction: Transaction, feed_ids: Collection[str], *, now: dt.datetime) -> None:
    """Mark these feeds as stale. One that is stale already keeps its due time, so a burst costs one build."""
    rows = [{"id": feed_id, "generation": 1, "due": now, "attempts": 0} for feed_id in sorted(feed_ids)]
    if rows:
        transaction.execute(_make_due(transaction), rows)


_CONCERNED = sa.union(
    sa.select(feed_entries.c.feed, feed_entries.c.article).where(one_of(feed_entries.c.article, "article_ids")),
    sa.select(feed_changes.c.feed, feed_changes.c.article).where(one_of(feed_changes.c.article, "article_ids")),
)


@kept
def _note(insert: NewInsert) -> sa.Insert:
    again = {"generation": feed_changes.c.generation + 1}
    key = [feed_changes.c.feed, feed_changes.c.article]
    return insert(feed_changes).on_conflict_do_update(index_elements=key, set_=again)


def changed(transaction: Transaction, belongs: Mapping[str, Collection[str]], *, now: dt.datetime) -> None:
    """Schedule changed articles, each for the feeds where it now belongs and for those that contain it."""
    pairs = {(feed_id, article_id) for article_id, feed_ids in belongs.items() for feed_id in feed_ids}
    for some in chunks(sorted(belongs)):
        pairs.update(tuple(row) for row in transaction.execute(_CONCERNED, {"article_ids": some}))
    make_due(transaction, {feed_id for feed_id, _ in pairs}, now=now)  # first, because builders lock the feed first
    rows = [{"feed": feed_id, "article": article_id, "generation": 1} for feed_id, article_id in sorted(pairs)]
    if rows:
        transaction.execute(_note(transaction), rows)


def all_changed(transaction: Transaction, feed_id: str) -> None:
    """Schedule every article that was ever published for the feed, because its settings have changed."""
    shown = sa.select(sa.literal(feed_id), articles.c.id, sa.literal(1)).where(articles.c.rendered.is_not(None))
    noted = insert(transaction, feed_changes).from_select(["feed", "article", "generation"], shown)
    transaction.execute(noted.on_conflict_do_nothing())


_CHANGES = (
    sa.select(feed_changes.c.article, feed_changes.c.generation)
    .outerjoin(articles, articles.c.id == feed_changes.c.article)
    .where(feed_changes.c.feed == sa.bindparam("feed_id"))
    .order_by(articles.c.updated, feed_changes.c.article)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
_PROCESSED = sa.delete(feed_changes).where(
    feed_changes.c.feed == sa.bindparam("feed_id"),
    feed_changes.c.article == sa.bindparam("seen_article"),
    feed_changes.c.generation == sa.bindparam("seen_generation"),
)


def changes(transaction: Transaction, feed_id: str, *, limit: int) -> dict[str, int]:
    """Return the articles that the feed has to process, with their generations, in order of change."""
    return dict(transaction.execute(_CHANGES, {"feed_id": feed_id, "most": limit}).all())


def mark_processed(transaction: Transaction, feed_id: str, seen: Mapping[str, int]) -> None:
    """Record that the feed has processed these. Articles that have changed again since then remain scheduled."""
    if seen:
        rows = [
            {"feed_id": feed_id, "seen_article": article, "seen_generation": generation}
            for article, generation in seen.items()
        ]
        transaction.execute(_PROCESSED, rows)


_GENERATIONS = sa.select(feeds.c.id, feeds.c.generation).where(one_of(feeds.c.id, "feed_ids"))


def claim_due(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> dict[str, int]:
    """Lease stale feeds, longest due first; return each with its generation, which counts what made it stale."""
    claimed = _DUE.claim(transaction, token=token, now=now, seconds=seconds, limit=limit)
    generations = dict(transaction.execute(_GENERATIONS, {"feed_ids": claimed}).all()) if claimed else {}
    return {feed_id: generations[feed_id] for feed_id in claimed}


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, feeds, now)


def due_rows(now: dt.datetime) -> DueRows:
    """Return the feeds that are to be built."""
    return claims.due_rows(feeds, now)


_GENERATION = sa.select(feeds.c.generation).where(_OF_FEED).with_for_update()
_FREE: dict[str, Any] = {"lease": None, "leased_until": None}
_BUILT = (
    sa.update(feeds)
    .where(_MINE)
    .values(
        **_FREE,
        attempts=0,
        error=None,
        due=sa.bindparam("due_at"),
        rest=sa.bindparam("rests"),
        rest_until=sa.bindparam("rests_until"),
        findings=sa.bindparam("found"),
    )
)


def built(
    transaction: Transaction,
    feed_id: str,
    *,
    token: str,
    generation: int,
    now: dt.datetime,
    rest: float,
    findings: str | None = None,
    whole: bool = True,
) -> None:
    """Record that the feed was built as of `generation`. A later change, or an unbuilt page, leaves it due.

    It rests for `rest` seconds before it is built again, so that a burst is built a few times and not for each article.
    """
    newest = transaction.scalar(_GENERATION, {"feed_id": feed_id})
    if newest is None:
        return
    until = now + dt.timedelta(seconds=rest)
    due = (until if newest != generation else None) if whole else now
    mine = {"feed_id": feed_id, "token": token}
    values = {"rests": round(rest * 1000), "rests_until": until, "found": findings}
    transaction.execute(_BUILT, {**mine, **values, "due_at": due})


_NEXT_DUE = claims.first_of(feeds, feeds.c.due > claims.NOW, feeds.c.lease.is_(None))


def next_due(transaction: Transaction, *, now: dt.datetime) -> dt.datetime | None:
    """Return when the next feed is to be built that nobody is building; None: no change waits."""
    at: dt.datetime | None = transaction.scalar(_NEXT_DUE, {"now": now})
    return at


_RENEW = sa.update(feeds).where(_MINE).values(leased_until=sa.bindparam("until"))
_LEASED_UNTIL = sa.select(feeds.c.leased_until).where(_MINE)
_SHAPE = sa.select(feeds.c.shape).where(_OF_FEED)


def renew(transaction: Transaction, feed_id: str, *, token: str, until: dt.datetime) -> bool:
    """Renew the lease. Return False if it was lost, so that nothing more may be written."""
    return transaction.execute(_RENEW, {"feed_id": feed_id, "token": token, "until": until}).rowcount == 1


def leased_until(transaction: Transaction, feed_id: str, *, token: str) -> dt.datetime | None:
    """Return the end of the lease, or None if it was lost."""
    return transaction.scalar(_LEASED_UNTIL, {"feed_id": feed_id, "token": token})


def shape_of(transaction: Transaction, feed_id: str) -> str | None:
    """Return the digest of the settings that the feed was last built with, or None if it never was."""
    return transaction.scalar(_SHAPE, {"feed_id": feed_id})


def set_shape(transaction: Transaction, feed_id: str, shape: str) -> None:
    transaction.execute(sa.update(feeds).where(feeds.c.id == feed_id).values(shape=shape))


def findings(transaction: Transaction) -> dict[str, str]:
    """Return by feed, as JSON, what violates its partner's rules. Feeds that violate none are left out."""
    query = sa.select(feeds.c.id, feeds.c.findings).where(feeds.c.findings.is_not(None)).order_by(feeds.c.id)
    return dict(transaction.execute(query).all())


def put_off(transaction: Transaction, feed_id: str, *, token: str, due: dt.datetime, error: str) -> None:
    later = {"due": due, "attempts": feeds.c.attempts + 1, "error": error}
    transaction.execute(sa.update(feeds).where(_MINE).values(**_FREE, **later), {"feed_id": feed_id, "token": token})


def release(transaction: Transaction, feed_ids: list[str], *, token: str) -> None:
    """Release feeds that were claimed but not built."""
    _DUE.release(transaction, feed_ids, token=token)


def attempts_at(transaction: Transaction, feed_id: str) -> int:
    """Return how many times in a row building the feed has failed."""
    return transaction.scalar(sa.select(feeds.c.attempts).where(feeds.c.id == feed_id)) or 0


_OF_DOCUMENTS = feed_documents.c.feed == sa.bindparam("of_feed")
_OF_DOCUMENT = sa.and_(_OF_DOCUMENTS, feed_documents.c.format == sa.bindparam("in_format"))
_DOCUMENT_FIELDS = tuple(feed_documents.c[name] for name in Document.__struct_fields__)
_DOCUMENT = sa.select(*_DOCUMENT_FIELDS).where(_OF_DOCUMENT)
_DOCUMENTS = sa.select(feed_documents.c.format, *_DOCUMENT_FIELDS).where(_OF_DOCUMENTS)
_PREVIOUS = sa.select(feed_documents.c.previous).where(_OF_DOCUMENT)
_BEGIN = (
    sa.update(feed_documents).where(_OF_DOCUMENTS, one_of(feed_documents.c.format, "in_formats")).values(writing=True)
)
_NAMED = (
    sa.select(feed_documents.c.feed)
    .where(sa.or_(feed_documents.c.digest == sa.bindparam("has"), feed_documents.c.previous == sa.bindparam("has")))
    .limit(1)
)


@kept
def _keep_document(insert: NewInsert) -> sa.Insert:
    upsert = insert(feed_documents)
    new: dict[str, Any] = {name: upsert.excluded[name] for name in Document.__struct_fields__}
    other = feed_documents.c.digest != upsert.excluded.digest
    new["previous"] = sa.case((other, feed_documents.c.digest), else_=feed_documents.c.previous)
    key = [feed_documents.c.feed, feed_documents.c.format]
    return upsert.on_conflict_do_update(index_elements=key, set_=new)


def document(transaction: Transaction, feed_id: str, format: str) -> Document | None:
    row = transaction.execute(_DOCUMENT, {"of_feed": feed_id, "in_format": format}).one_or_none()
    return None if row is None else Document(*row)


def keep_document(transaction: Transaction, feed_id: str, format: str, document: Document) -> None:
    """Store a built document, replacing the former one. Unchanged bytes keep their time of modification."""
    row = {"feed": feed_id, "format": format} | structs.asdict(document)
    transaction.execute(_keep_document(transaction), row)


def begin_documents(transaction: Transaction, feed_id: str, formats: Collection[str]) -> None:
    """Record that other bytes are about to be written for the feed's documents in these formats."""
    transaction.execute(_BEGIN, {"of_feed": feed_id, "in_formats": list(formats)})


def documents(transaction: Transaction, feed_id: str) -> dict[str, Document]:
    """Return the feed's built documents, by format."""
    rows = transaction.execute(_DOCUMENTS, {"of_feed": feed_id})
    return {format: Document(*built) for format, *built in rows}


def previous_of(transaction: Transaction, feed_id: str, format: str) -> str | None:
    """Return the digest of the document before the current one."""
    return transaction.scalar(_PREVIOUS, {"of_feed": feed_id, "in_format": format})


def is_named(transaction: Transaction, digest: str) -> bool:
    """Return whether the digest is that of a feed's current document, or of the one before it."""
    return transaction.execute(_NAMED, {"has": digest}).first() is not None


def drop_document(transaction: Transaction, feed_id: str, format: str) -> None:
    """Delete the document of a format in which the feed is no longer built."""
    mine = sa.and_(feed_documents.c.feed == feed_id, feed_documents.c.format == format)
    transaction.execute(sa.delete(feed_documents).where(mine))
