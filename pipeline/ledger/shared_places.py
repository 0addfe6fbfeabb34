"""Places of which every host must see the same one, and the nonce that a file in each of them must contain."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import shared_places


class SharedPlace(Struct, frozen=True, kw_only=True):
    name: str  # `store`, or the location of a folder
    nonce: str
    location: str
    host: str  # that wrote the nonce there
    at: dt.datetime


def known(transaction: Transaction, name: str) -> SharedPlace | None:
    """Return the place that the site knows by this name."""
    row = transaction.execute(_KNOWN, {"of_name": name}).one_or_none()
    return None if row is None else SharedPlace(**row._mapping)


_KNOWN = sa.select(*(shared_places.c[field] for field in SharedPlace.__struct_fields__)).where(
    shared_places.c.name == sa.bindparam("of_name")
)


def add(transaction: Transaction, place: SharedPlace) -> SharedPlace:
    """Make it the site's unless another process was first; return the one that is."""
    added = insert(transaction, shared_places).values(**structs.asdict(place)).on_conflict_do_nothing()
    transaction.execute(added)
    found = known(transaction, place.name)
    assert found is not None
    return found


def replace(transaction: Transaction, place: SharedPlace) -> None:
    """Make it the site's in place of the former one."""
    values = structs.asdict(place)
    upsert = insert(transaction, shared_places).values(**values)
    transaction.execute(upsert.on_conflict_do_update(index_elements=[shared_places.c.name], set_=values))
