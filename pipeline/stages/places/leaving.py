"""What a person decides about a place that its channel has left: it is emptied, or given up."""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from pipeline.ledger import Transaction, places
from pipeline.ledger.places import Place, rekeying
from pipeline.stages.places.changes import REPLACED, free_key, next_partner


def empty(transaction: Transaction, place: Place, *, now: dt.datetime) -> None:
    """Have what lies at an orphan removed. It is done by the stage, and ends when all of it is proved to be gone."""
    if place.state == "orphan" and place.settings is not None:
        places.save(transaction, structs.replace(place, state="emptying"))
        places.keep(transaction, None, now=now)


def give_up(transaction: Transaction, place: Place, *, reason: str, by: str, now: dt.datetime) -> int:
    """Keep the word that a place cannot be reached any more; return how many deliveries are abandoned for it."""
    places.save(transaction, structs.replace(place, state="given-up", reason=reason, by=by, fill=(), filled_up_to=""))
    places.keep(transaction, None, now=now)
    return rekeying.give_up(transaction, place.key, error=f"place-given-up: {reason}", now=now)


def replace_partner(transaction: Transaction, place: Place, *, now: dt.datetime) -> None:
    """Make the partner that a channel had an orphan, because another one has it from now on, which is to be filled."""
    assert place.location is not None
    key = free_key(place, {one.key for one in places.every(transaction)})
    rekeying.leave(transaction, place.key, key)
    left = structs.replace(place, key=key, state="orphan", left=now, reason=REPLACED, fill=(), filled_up_to="")
    new = structs.replace(
        place, location=next_partner(place.location), since=now, fill=(key, *place.fill), filled_up_to=""
    )
    for one in (left, new):
        places.save(transaction, one)
    places.keep(transaction, None, now=now)
