"""The renditions of each revision. Their bytes are in the rendition store, under their digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.kept import add_missing, among, rows_of
from pipeline.ledger.tables import articles, changes, deliveries, feed_documents, renditions, revisions
from pipeline.model.rendition import Rendition


class Stored(Struct, frozen=True):
    format: str
    media_type: str
    bytes: int
    digest: str
    fingerprint: str = ""  # of what made it besides the revision


_STORED = tuple(renditions.c[field] for field in Stored.__struct_fields__)
_KEY = (renditions.c.article, renditions.c.revision)
_AMONG = among(*_KEY)
_OF = sa.and_(renditions.c.article == sa.bindparam("of_article"), renditions.c.revision == sa.bindparam("of_revision"))
_ADD = add_missing(renditions)


def add(
    transaction: Transaction,
    article_id: str,
    revision: int,
    rendered: Sequence[Rendition],
    fingerprints: Mapping[str, str],
) -> None:
    add_all(transaction, {(article_id, revision): rendered}, fingerprints)


def add_all(
    transaction: Transaction,
    rendered: Mapping[tuple[str, int], Sequence[Rendition]],
    fingerprints: Mapping[str, str],
) -> None:
    """Store which renditions each of these (article, revision) has."""
    rows = [
        {
            "article": article_id,
            "revision": revision,
            "format": rendition.format,
            "media_type": rendition.media_type,
            "bytes": len(rendition.body),
            "digest": rendition.digest,
            "fingerprint": fingerprints.get(rendition.format, ""),
        }
        for (article_id, revision), each in rendered.items()
        for rendition in each
    ]
    if rows:
        transaction.execute(_ADD(transaction), rows)


def confirm(transaction: Transaction, article_id: str, revision: int, fingerprints: Mapping[str, str]) -> None:
    """Record that the renditions, made again in the present way, have the same bytes."""
    for format, fingerprint in fingerprints.items():
        mine = (renditions.c.article == article_id, renditions.c.revision == revision, renditions.c.format == format)
        other = renditions.c.fingerprint != fingerprint
        transaction.execute(sa.update(renditions).where(*mine, other).values(fingerprint=fingerprint))


_OF_REVISION = sa.select(*_STORED).where(_OF).order_by(renditions.c.format)


def of_revision(transaction: Transaction, article_id: str, revision: int) -> list[Stored]:
    """Return the renditions of a revision, sorted by format."""
    asked = {"of_article": article_id, "of_revision": revision}
    return [Stored(*row) for row in transaction.execute(_OF_REVISION, asked)]


_OF_REVISIONS = sa.select(*_KEY, *_STORED).where(_AMONG).order_by(*_KEY, renditions.c.format)


def of_revisions(
    transaction: Transaction, numbers: Collection[tuple[str, int]]
) -> dict[tuple[str, int], dict[str, Stored]]:
    """Return the renditions of each of these (article, revision), by format."""
    found: dict[tuple[str, int], dict[str, Stored]] = {}
    for some in chunks(sorted(numbers), 200):
        for article_id, revision, *stored in transaction.execute(_OF_REVISIONS, rows_of(some)):
            found.setdefault((article_id, revision), {})[stored[0]] = Stored(*stored)
    return found


def digests(transaction: Transaction, shown: Collection[tuple[str, int]]) -> dict[str, dict[str, str]]:
    """Return the digests of these revisions of articles, by article and format."""
    found: dict[str, dict[str, str]] = {}
    columns = (renditions.c.article, renditions.c.format, renditions.c.digest)
    query = sa.select(*columns).where(_AMONG).order_by(*columns[:2])
    for some in chunks(shown, 200):
        for article, format, digest in transaction.execute(query, rows_of(some)):
            found.setdefault(article, {})[format] = digest
    return found


def forget(
    transaction: Transaction, *, before: dt.datetime, after: tuple[str, int], limit: int
) -> tuple[list[str], tuple[str, int] | None]:
    """Delete the renditions of old revisions that nothing shows or has to deliver any longer, a portion at a time.

    Return the digests that no rendition of their article has any longer, and where to continue, or None at the end.
    """
    key = sa.tuple_(revisions.c.article, revisions.c.number)
    old = (
        sa.select(revisions.c.article, revisions.c.number)
        .join(articles, articles.c.id == revisions.c.article)
        .where(key > after, revisions.c.rendered_at < before, revisions.c.number != sa.func.coalesce(_SHOWN, 0))
        .order_by(revisions.c.article, revisions.c.number)
        .limit(limit)
    )
    found = [(article, number) for article, number in transaction.execute(old)]
    digests = {digest for one in found if not _is_needed(transaction, *one) for digest in _delete(transaction, *one)}
    return sorted(digests), found[-1] if len(found) == limit else None


def _is_needed(transaction: Transaction, article: str, number: int) -> bool:
    """Return whether a delivery or a partner's newest change names the revision."""
    needed = sa.or_(deliveries.c.target_revision == number, deliveries.c.delivered_revision == number)
    if transaction.execute(sa.select(deliveries.c.id).where(deliveries.c.article == article, needed)).first():
        return True
    named = sa.select(changes.c.id).where(changes.c.article == article, changes.c.revision == number)
    return transaction.execute(named).first() is not None


def _delete(transaction: Transaction, article: str, number: int) -> list[str]:
    mine = (renditions.c.article == article, renditions.c.revision == number)
    gone = set(transaction.scalars(sa.select(renditions.c.digest).where(*mine)))
    transaction.execute(sa.delete(renditions).where(*mine))
    kept = sa.select(renditions.c.digest).where(renditions.c.article == article, renditions.c.digest.in_(gone))
    return sorted(gone - set(transaction.scalars(kept)))


def nameless(transaction: Transaction, digests: Collection[str]) -> frozenset[str]:
    """Return those of the digests that nothing in the ledger names, so that nobody will ever ask for their bytes.

    No index helps to find them, so each column is searched only for what none before it names.
    """
    left = set(digests)
    columns = (renditions.c.digest, feed_documents.c.digest, feed_documents.c.previous)
    for column in (*columns, deliveries.c.target_digest, deliveries.c.delivered_digest, changes.c.digest):
        for some in chunks(sorted(left)):
            left.difference_update(transaction.scalars(sa.select(column).where(column.in_(some)).distinct()))
    return frozenset(left)


_ONE = sa.select(*_STORED).where(_OF, renditions.c.format == sa.bindparam("in_format"))


def one(transaction: Transaction, article_id: str, revision: int, format: str) -> Stored | None:
    asked = {"of_article": article_id, "of_revision": revision, "in_format": format}
    row = transaction.execute(_ONE, asked).one_or_none()
    return None if row is None else Stored(*row)


_SHOWN = articles.c.rendered
