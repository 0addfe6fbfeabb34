"""Whether the ledger knows anything of articles that are published for the first time."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.kept import among, one_of, rows_of
from pipeline.ledger.tables import article_names, articles, events, restored_findings
from pipeline.ledger.tables import origins as origin_rows


class Known(Struct, frozen=True):
    names: frozenset[str]  # of an article, in whatever role
    places: frozenset[str]  # that an article came from
    origins: frozenset[tuple[str, str]]  # of events: their source, and its id for them


_NAMING = (
    articles.c.id,
    article_names.c.name,
    article_names.c.article,
    origin_rows.c.article,
    restored_findings.c.article,
)
_NAMES = sa.union_all(*(sa.select(column).where(one_of(column, "names")) for column in _NAMING))
_PLACES = sa.select(origin_rows.c.place).where(one_of(origin_rows.c.place, "places"))
_ORIGIN = (events.c.source, events.c.source_id)
_ORIGINS = sa.select(*_ORIGIN).where(among(*_ORIGIN))


def known(
    transaction: Transaction,
    *,
    names: Collection[str],
    places: Collection[str],
    origins: Collection[tuple[str, str]],
) -> Known:
    """Return those of the given that the ledger knows."""
    by_name: set[str] = set()
    for some in chunks(sorted(names)):
        by_name.update(transaction.scalars(_NAMES, {"names": some}))
    by_place: set[str] = set()
    for some in chunks(sorted(places)):
        by_place.update(transaction.scalars(_PLACES, {"places": some}))
    by_origin: set[tuple[str, str]] = set()
    for pairs in chunks(sorted(origins), 200):
        found = transaction.execute(_ORIGINS, rows_of(pairs))
        by_origin.update((source, id) for source, id in found)
    return Known(frozenset(by_name), frozenset(by_place), frozenset(by_origin))
