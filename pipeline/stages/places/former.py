"""What only the former ledger knows of places, when an older backup takes its place: it stays known.

A channel may have moved after the backup, and on again. What lies where it was in between is in no settings and in no
backup, and would be neither corrected nor withdrawn. So would an article that a partner got after the backup.
"""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from pipeline.ledger import Transaction, places
from pipeline.ledger.places import REACHABLE, Place, rekeying
from pipeline.stages.places.changes import REPLACED, free_key


def bring_over(here: Transaction, there: Transaction, *, now: dt.datetime) -> list[Place]:
    """Add what places hold that `here` does not know of; return the places that it did not know, now orphans.

    Those that the settings on disk name are taken over by their channels when these are put in force.
    """
    former = [one for one in places.every(there, states=REACHABLE) if one.location and one.settings]
    for place in former:
        if place.reason == REPLACED:
            _replace_here(here, place, now)
    known = places.every(here)
    keys, at = {one.key for one in known}, {one.location: one.key for one in known if one.state != "emptied"}
    added = []
    for place in former:
        if not places.articles_at(there, place.key, "", 1):
            continue
        if place.location not in at:
            key = at[place.location] = free_key(place, keys)
            keys.add(key)
            left = structs.replace(place, key=key, state="orphan", left=place.left or now, fill=(), filled_up_to="")
            places.save(here, left)
            places.sign_with(here, key, left.signing, rotated=left.rotated, former_until=left.former_until, now=now)
            added.append(left)
        rekeying.bring_rows(there, place.key, here, at[place.location], now=now)
    if added:
        places.keep(here, None, now=now)
    return added


def _replace_here(here: Transaction, replaced: Place, now: dt.datetime) -> None:
    """Leave a partner here too that was replaced since."""
    known = places.every(here)
    for one in known:
        if one.location == replaced.location and one.state == "in-force":
            key = free_key(one, {other.key for other in known})
            rekeying.leave(here, one.key, key)
            left = structs.replace(one, key=key, state="orphan", left=now, reason=REPLACED, settings=replaced.settings)
            places.save(here, structs.replace(left, fill=(), filled_up_to=""))
