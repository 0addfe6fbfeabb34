"""What a person decides about a place that its channel has left: it is emptied, or given up."""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, places
from pipeline.ledger.places import Place, rekeying
from pipeline.stages.places.changes import REPLACED, next_partner


def empty(transaction: Transaction, place: Place, *, now: dt.datetime) -> None:
    """Have what lies at an orphan removed. It is done by the stage, and ends when all of it is proved to be gone."""
    if place.state == "orphan" and place.settings is not None:
        places.save(transaction, structs.replace(place, state="emptying"))
        places.keep(transaction, None, now=now)


def give_up(transaction: Transaction, place: Place, *, reason: str, by: str, now: dt.datetime) -> int:
    """Keep the word that a place cannot be reached any more; return how many deliveries are abandoned for it.

    Raises InvalidEvent for a place that a channel has.
    """
    if place.state == "in-force":
        message = f"{place.key} is in force"
        raise InvalidEvent(message, code="place-in-force", hint="remove or move the channel first")
    places.save(transaction, structs.replace(place, state="given-up", reason=reason, by=by, fill=(), filled_up_to=""))
    places.keep(transaction, None, now=now)
    return rekeying.give_up(transaction, place.key, error=f"place-given-up: {reason}", now=now)


def replace_partner(transaction: Transaction, place: Place, *, key: str, now: dt.datetime) -> Place:
    """Make the partner that a channel had an orphan, because another one has it from now on; return the new place."""
    assert place.location is not None
    rekeying.leave(transaction, place.key, key)
    rekeying.rekey_changes(transaction, place.channel, key)
    left = structs.replace(place, key=key, state="orphan", left=now, reason=REPLACED, fill=(), filled_up_to="")
    new = structs.replace(
        place, location=next_partner(place.location), since=now, fill=(key, *place.fill), filled_up_to=""
    )
    for one in (left, new):
        places.save(transaction, one)
    places.keep(transaction, None, now=now)
    return new
