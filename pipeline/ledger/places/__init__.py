"""Places: where copies of articles lie, whichever channel put them there.

A place has a key, which `deliveries.channel` and its like contain: the id of its channel while it is in force. When the
channel moves, the former place gets a key of its own and becomes an orphan (`rekeying.py`). Whatever is known of it
(what it holds, its health, its proofs) moves with the key, so that it is corrected and withdrawn from like any channel.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.tables import deliveries, drift, places, proofs, settings_in_force

State = Literal["in-force", "orphan", "emptying", "emptied", "given-up"]

ALL = "*"  # instead of a place to fill another from: every live article
IN_FORCE: frozenset[State] = frozenset({"in-force"})
REACHABLE: frozenset[State] = frozenset({"in-force", "orphan", "emptying"})
_CHANNELS = "channels"


class Place(Struct, frozen=True, kw_only=True):
    """A place, past or present. Type, location, format and settings are None if they were never stored."""

    key: str
    channel: str
    type: str | None
    location: str | None
    format: str | None
    settings: bytes | None  # the channel's last table as JSON, with references to secrets, never their values
    state: State
    since: dt.datetime
    left: dt.datetime | None = None
    reason: str | None = None
    by: str | None = None
    fill: tuple[str, ...] = ()  # the keys of the places whose articles it is to have, or ALL
    filled_up_to: str = ""  # the last article of the first of them
    checked: dt.datetime | None = None
    check_due: dt.datetime | None = None
    check_error: str | None = None
    signing: bytes | None = None  # what its partner has made to sign with, sealed
    rotated: dt.datetime | None = None
    former_until: dt.datetime | None = None

    @property
    def title(self) -> str:
        return self.location or f"an unknown place of {self.channel}"


_COLUMNS = tuple(places.c[field] for field in Place.__struct_fields__)
_SIGNING = frozenset({"signing", "rotated", "former_until"})


def _place(row: sa.Row[tuple[object, ...]]) -> Place:
    values = dict(row._mapping)
    sources, up_to = values.pop("fill"), values.pop("filled_up_to")
    return Place(**values, fill=tuple(json.loads(sources)) if sources else (), filled_up_to=up_to or "")


def every(transaction: Transaction, *, states: Collection[State] = ()) -> list[Place]:
    """Return the places in these states (none given: in any), by channel, the ones in force first."""
    query = sa.select(*_COLUMNS).order_by(places.c.channel, places.c.left.is_not(None), places.c.left, places.c.key)
    return [_place(row) for row in transaction.execute(query.where(places.c.state.in_(states)) if states else query)]


def find(transaction: Transaction, key: str) -> Place | None:
    row = transaction.execute(sa.select(*_COLUMNS).where(places.c.key == key)).one_or_none()
    return None if row is None else _place(row)


def save(transaction: Transaction, place: Place) -> None:
    """Add the place, or replace what is known of it, but for what it signs with: that is up to `sign_with` alone.

    A rotation may be committed between the time when a place was read and the time when it is saved, and what one
    partner has made is none of the next one's.
    """
    known = {name: value for name, value in structs.asdict(place).items() if name not in _SIGNING}
    values = known | {"fill": json.dumps(place.fill) if place.fill else None}
    new = {name: value for name, value in values.items() if name != "key"}
    upsert = insert(transaction, places).values(**values)
    transaction.execute(upsert.on_conflict_do_update(index_elements=[places.c.key], set_=new))


def delete(transaction: Transaction, key: str) -> None:
    transaction.execute(sa.delete(places).where(places.c.key == key))


def within_reach(transaction: Transaction) -> list[str]:
    """Return the keys of the places that can be delivered to."""
    known = (places.c.state.in_(REACHABLE), places.c.settings.is_not(None))
    return list(transaction.scalars(sa.select(places.c.key).where(*known)))


_STATE = sa.select(places.c.state).where(places.c.key == sa.bindparam("key_is"))


def is_emptying(transaction: Transaction, key: str) -> bool:
    return transaction.scalar(_STATE, {"key_is": key}) == "emptying"


def emptying(transaction: Transaction) -> frozenset[str]:
    """Return the places that are being emptied."""
    return frozenset(transaction.scalars(_EMPTYING))


_EMPTYING = sa.select(places.c.key).where(places.c.state == "emptying")


def busy(transaction: Transaction) -> list[Place]:
    """Return the places that are being filled or emptied."""
    return [_place(row) for row in transaction.execute(_BUSY)]


_BUSY = (
    sa.select(*_COLUMNS).where(sa.or_(places.c.fill.is_not(None), places.c.state == "emptying")).order_by(places.c.key)
)


# --- what is in force ---------------------------------------------------------------------------------------------


class InForce(Struct, frozen=True):
    digest: str  # of the channels' tables
    generation: int
    at: dt.datetime


def in_force(transaction: Transaction) -> InForce | None:
    """Return which settings are in force, or None if none ever were."""
    table = settings_in_force.c
    query = sa.select(table.digest, table.generation, table.at).where(table.name == _CHANNELS)
    row = transaction.execute(query).one_or_none()
    return None if row is None else InForce(*row)


def generation(transaction: Transaction) -> int:
    """Return a number that grows with every change of what is in force. Read before every batch."""
    return transaction.scalar(_GENERATION) or 0


_GENERATION = sa.select(settings_in_force.c.generation).where(settings_in_force.c.name == _CHANNELS)


def lock(transaction: Transaction) -> None:
    """Let one process at a time change what is in force (PostgreSQL; SQLite has one writer anyway)."""
    query = sa.select(settings_in_force.c.name).where(settings_in_force.c.name == _CHANNELS)
    transaction.execute(query.with_for_update())


def keep(transaction: Transaction, digest: str | None, *, now: dt.datetime) -> None:
    """Record a change of what is in force. `digest`: of the channels' tables; None: it is as before."""
    new: dict[str, object] = {"generation": settings_in_force.c.generation + 1, "at": now}
    if digest is not None:
        new["digest"] = digest
    row = insert(transaction, settings_in_force).values(name=_CHANNELS, digest=digest or "", generation=1, at=now)
    transaction.execute(row.on_conflict_do_update(index_elements=[settings_in_force.c.name], set_=new))


def sign_with(
    transaction: Transaction,
    key: str,
    signing: bytes | None,
    *,
    rotated: dt.datetime | None,
    former_until: dt.datetime | None,
    now: dt.datetime,
) -> None:
    """Keep what was made for a place to sign with, sealed; None: nothing. Every process takes it up."""
    values = {"signing": signing, "rotated": rotated, "former_until": former_until}
    transaction.execute(sa.update(places).where(places.c.key == key).values(**values))
    keep(transaction, None, now=now)


class Rotation(Struct, frozen=True):
    """When the secret of a channel was made, and until when former ones sign too."""

    at: dt.datetime | None = None  # None: the secrets are those of the settings
    former_until: dt.datetime | None = None


def rotation_of(transaction: Transaction, key: str, *, now: dt.datetime) -> Rotation:
    return rotations(transaction, [key], now=now).get(key, Rotation())


def rotations(transaction: Transaction, keys: Collection[str], *, now: dt.datetime) -> dict[str, Rotation]:
    """Return when the secret of each was made; keys of places that there never were are left out."""
    found: dict[str, Rotation] = {}
    for some in chunks(keys):
        query = sa.select(places.c.key, places.c.rotated, places.c.former_until).where(places.c.key.in_(some))
        for key, at, until in transaction.execute(query):
            found[key] = Rotation(at, until if until is not None and until > now else None)
    return found


# --- what a place holds -------------------------------------------------------------------------------------------


def keys_with_rows(transaction: Transaction) -> frozenset[str]:
    """Return every key that deliveries were made for."""
    return frozenset(transaction.scalars(sa.select(deliveries.c.channel).distinct()))


def articles_at(transaction: Transaction, key: str, after: str, limit: int) -> list[str]:
    """Return articles that the place was ever scheduled to have, those whose ids follow, in order."""
    query = sa.select(deliveries.c.article).where(deliveries.c.channel == key, deliveries.c.article > after)
    return list(transaction.scalars(query.order_by(deliveries.c.article).limit(limit)))


def count_contents(transaction: Transaction, key: str) -> int:
    """Count the articles that the place has, or may have."""
    return transaction.scalar(sa.select(sa.func.count()).where(*_may_be_at(key))) or 0


def contents_of(transaction: Transaction, key: str) -> list[str]:
    """Return the articles that the place has, or may have."""
    query = sa.select(deliveries.c.article).where(*_may_be_at(key)).order_by(deliveries.c.article)
    return list(transaction.scalars(query))


def _may_be_at(key: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Match what may be at a place: an article that was attempted, unless its withdrawal was accepted since."""
    gone = sa.and_(deliveries.c.delivered_event == "withdrawn", deliveries.c.target_digest.is_(None))
    return (deliveries.c.channel == key, deliveries.c.attempted, sa.or_(deliveries.c.delivered_event.is_(None), ~gone))


def unproved(transaction: Transaction, key: str) -> int:
    """Count what is outstanding at a place that is being emptied: deliveries, and proofs that they had an effect."""
    rows = sa.select(sa.func.count()).where(deliveries.c.channel == key, deliveries.c.due.is_not(None))
    looked_for = sa.select(sa.func.count()).where(proofs.c.channel == key, proofs.c.due.is_not(None))
    return (transaction.scalar(rows) or 0) + (transaction.scalar(looked_for) or 0)


def drift_count(transaction: Transaction, key: str) -> int:
    """Count what was read back from the place and is not as it should be."""
    return transaction.scalar(sa.select(sa.func.count()).where(drift.c.place == key)) or 0


def drift_counts(transaction: Transaction) -> dict[str, int]:
    """Count it for each place that has any."""
    return dict(transaction.execute(sa.select(drift.c.place, sa.func.count()).group_by(drift.c.place)).all())
