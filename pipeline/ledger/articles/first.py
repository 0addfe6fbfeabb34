"""Whether the ledger knows anything of articles that are published for the first time."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, among, chunks
from pipeline.ledger.tables import article_names, articles, events, restored_findings
from pipeline.ledger.tables import origins as origin_rows


class Known(Struct, frozen=True):
    names: frozenset[str]  # of an article, in whatever role
    places: frozenset[str]  # that an article came from
    origins: frozenset[tuple[str, str]]  # of events: their source, and its id for them


def known(
    transaction: Transaction,
    *,
    names: Collection[str],
    places: Collection[str],
    origins: Collection[tuple[str, str]],
) -> Known:
    """Return those of the given that the ledger knows."""
    naming = (
        articles.c.id,
        article_names.c.name,
        article_names.c.article,
        origin_rows.c.article,
        restored_findings.c.article,
    )
    by_name: set[str] = set()
    for some in chunks(sorted(names)):
        queries = [sa.select(column).where(column.in_(some)) for column in naming]
        by_name.update(transaction.scalars(sa.union_all(*queries)))
    by_place: set[str] = set()
    for some in chunks(sorted(places)):
        column = origin_rows.c.place
        by_place.update(transaction.scalars(sa.select(column).where(column.in_(some))))
    by_origin: set[tuple[str, str]] = set()
    key = (events.c.source, events.c.source_id)
    for pairs in chunks(sorted(origins), 200):
        found = transaction.execute(sa.select(*key).where(among(key, pairs)))
        by_origin.update((source, id) for source, id in found)
    return Known(frozenset(by_name), frozenset(by_place), frozenset(by_origin))
