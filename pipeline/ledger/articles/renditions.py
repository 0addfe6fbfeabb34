"""The renditions of each revision. Their bytes are in the rendition store, under their digest."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import renditions
from pipeline.model.rendition import Rendition


class Stored(Struct, frozen=True):
    format: str
    media_type: str
    bytes: int
    digest: str


def add(transaction: Transaction, article_id: str, revision: int, rendered: Sequence[Rendition]) -> None:
    rows = [
        {
            "article": article_id,
            "revision": revision,
            "format": rendition.format,
            "media_type": rendition.media_type,
            "bytes": len(rendition.body),
            "digest": rendition.digest,
        }
        for rendition in rendered
    ]
    if rows:
        transaction.execute(sa.insert(renditions), rows)


def of_revision(transaction: Transaction, article_id: str, revision: int) -> list[Stored]:
    """Return the renditions of a revision, sorted by format."""
    query = sa.select(*_STORED).where(renditions.c.article == article_id, renditions.c.revision == revision)
    return [Stored(*row) for row in transaction.execute(query.order_by(renditions.c.format))]


def one(transaction: Transaction, article_id: str, revision: int, format: str) -> Stored | None:
    where = (renditions.c.article == article_id, renditions.c.revision == revision, renditions.c.format == format)
    row = transaction.execute(sa.select(*_STORED).where(*where)).one_or_none()
    return None if row is None else Stored(*row)


_STORED = tuple(renditions.c[field] for field in Stored.__struct_fields__)
