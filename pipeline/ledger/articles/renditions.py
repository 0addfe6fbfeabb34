"""The renditions of each revision. Their bytes are in the rendition store, under their digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import renditions
from pipeline.model.rendition import Rendition


class Stored(Struct, frozen=True):
    format: str
    media_type: str
    bytes: int
    digest: str
    fingerprint: str = ""  # of what made it besides the revision


def add(
    transaction: Transaction,
    article_id: str,
    revision: int,
    rendered: Sequence[Rendition],
    fingerprints: Mapping[str, str],
) -> None:
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
        for rendition in rendered
    ]
    if rows:
        transaction.execute(insert(transaction, renditions).on_conflict_do_nothing(), rows)


def confirm(transaction: Transaction, article_id: str, revision: int, fingerprints: Mapping[str, str]) -> None:
    """Record that the renditions, made again in the present way, have the same bytes."""
    for format, fingerprint in fingerprints.items():
        mine = (renditions.c.article == article_id, renditions.c.revision == revision, renditions.c.format == format)
        other = renditions.c.fingerprint != fingerprint
        transaction.execute(sa.update(renditions).where(*mine, other).values(fingerprint=fingerprint))


def of_revision(transaction: Transaction, article_id: str, revision: int) -> list[Stored]:
    """Return the renditions of a revision, sorted by format."""
    query = sa.select(*_STORED).where(renditions.c.article == article_id, renditions.c.revision == revision)
    return [Stored(*row) for row in transaction.execute(query.order_by(renditions.c.format))]


def one(transaction: Transaction, article_id: str, revision: int, format: str) -> Stored | None:
    where = (renditions.c.article == article_id, renditions.c.revision == revision, renditions.c.format == format)
    row = transaction.execute(sa.select(*_STORED).where(*where)).one_or_none()
    return None if row is None else Stored(*row)


_STORED = tuple(renditions.c[field] for field in Stored.__struct_fields__)
