"""Make settings the ones in force: places are left, taken over and added, in one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import structlog
from msgspec import structs

from pipeline.ledger import Transaction, places
from pipeline.ledger.operations import Part, PartOutcome
from pipeline.ledger.places import IN_FORCE, Place, rekeying
from pipeline.stages.places.changes import Change, ConfiguredChannel, changes, final_keys

_log = structlog.get_logger()


def digest_of(configured: Sequence[ConfiguredChannel]) -> str:
    """Return a digest of the channels' settings, which contain references to secrets and no values."""
    parts = (
        b"%s\n%s\n" % (one.channel.encode(), one.settings) for one in sorted(configured, key=lambda one: one.channel)
    )
    return f"sha256:{hashlib.sha256(b''.join(parts)).hexdigest()}"


def compare(transaction: Transaction, configured: Sequence[ConfiguredChannel]) -> list[Change]:
    """Return what taking up these settings would change."""
    return changes(_known(transaction), configured, first=places.in_force(transaction) is None)


def take_up(
    transaction: Transaction, configured: Sequence[ConfiguredChannel], *, empty: bool, now: dt.datetime
) -> list[Change]:
    """Put the settings in force, and return what that changed.

    Nothing that lies anywhere is deleted by it, unless `empty`: then the places that are left are emptied. Workers that
    still use the former settings send nothing to a place that is not in force, and take up the new ones with the next
    sweep.
    """
    places.lock(transaction)
    digest, before = digest_of(configured), places.in_force(transaction)
    found = compare(transaction, configured)
    if before is not None and before.digest == digest and all(change.kind == "kept" for change in found):
        return found
    _register_unknown(transaction, now)
    _rekey(transaction, found, now)
    _refill_others(transaction, found)
    for change in found:
        _save(transaction, change, now=now)
    _leave(transaction, found, empty=empty, now=now)
    places.keep(transaction, digest, now=now)
    return found


def log_changes(found: Sequence[Change]) -> None:
    """Log each channel that is not as it was."""
    for change in found:
        if change.kind != "kept":
            _log.info("settings taken up", channel=change.channel, change=change.kind, place=change.location)


def recorded(
    transaction: Transaction, configured: Sequence[ConfiguredChannel], *, empty: bool, now: dt.datetime
) -> tuple[list[Change], list[Part]]:
    """Do as `take_up`; return a part of an operation too for each channel that is not as it was."""
    before = {place.key: place.settings for place in places.every(transaction)}
    found = take_up(transaction, configured, empty=empty, now=now)
    parts = []
    for change in found:
        outcome: PartOutcome = "taken-up" if change.kind == "kept" else change.kind
        is_same = change.configured is None or before.get(change.channel) == change.configured.settings
        if change.kind != "kept" or not is_same:
            parts.append(Part(None, None, None, outcome, channel=change.channel, reason=change.location))
    return found, parts


def _known(transaction: Transaction) -> list[Place]:
    """Return the known places, with those of channels that were removed before places were known."""
    found = places.every(transaction)
    return found + [_unknown(key) for key in _unknown_keys(transaction, found)]


def _unknown_keys(transaction: Transaction, known: Sequence[Place]) -> list[str]:
    if places.in_force(transaction) is None:
        return []  # their places are those of the settings
    return sorted(places.keys_with_rows(transaction) - {one.key for one in known})


def _unknown(key: str, now: dt.datetime | None = None) -> Place:
    at = now or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    nothing = dict.fromkeys(("type", "location", "format", "settings"))
    return Place(key=key, channel=key, **nothing, state="orphan", since=at, left=at)  # type: ignore[arg-type]  # None is what each may be


def _register_unknown(transaction: Transaction, now: dt.datetime) -> None:
    """Record as orphans the channels that were removed before places were known."""
    for key in _unknown_keys(transaction, places.every(transaction)):
        places.save(transaction, _unknown(key, now))


def _rekey(transaction: Transaction, found: Sequence[Change], now: dt.datetime) -> None:
    keys: dict[str, str] = {}
    for change in found:
        if change.evicted is not None and change.key is not None:
            rekeying.leave(transaction, change.evicted.key, change.key)
            keys[change.evicted.key] = change.key
    for change in found:
        if change.takes is not None:
            key = keys.get(change.takes.key, change.takes.key)
            if key != change.channel:
                rekeying.rekey(transaction, key, change.channel)
            if change.takes.state == "given-up":
                rekeying.revive(transaction, change.channel, now=now)
    for change in found:
        for place in change.merges:
            key = keys.get(place.key, place.key)
            if not rekeying.merge(transaction, key, change.channel, place.format or ""):
                places.delete(transaction, key)


def _refill_others(transaction: Transaction, found: Sequence[Change]) -> None:
    """Name places that orphans were being filled from by their new keys, for when their channels come back."""
    final = final_keys(found)
    for place in places.every(transaction):
        fill = tuple(dict.fromkeys(final.get(key, key) for key in place.fill))
        if fill != place.fill:
            places.save(transaction, structs.replace(place, fill=fill, filled_up_to=""))


def _save(transaction: Transaction, change: Change, *, now: dt.datetime) -> None:
    one = change.configured
    if one is None:
        return
    known = places.find(transaction, change.channel)
    same = known is not None and known.state == "in-force" and known.fill == change.fill
    new = Place(
        key=one.channel,
        channel=one.channel,
        type=one.type,
        location=change.location,
        format=one.format,
        settings=one.settings,
        state="in-force",
        since=known.since if known and known.state == "in-force" else now,
        fill=change.fill,
        filled_up_to=known.filled_up_to if known and same else "",
        checked=known.checked if known else None,
        check_due=known.check_due if known else None,
    )
    places.save(transaction, new)


def _leave(transaction: Transaction, found: Sequence[Change], *, empty: bool, now: dt.datetime) -> None:
    """Mark the places that are no channel's any longer. One that never held anything is forgotten."""
    named = {change.channel for change in found if change.configured is not None}
    for place in places.every(transaction, states=IN_FORCE):
        if place.key in named:
            continue
        if not places.articles_at(transaction, place.key, "", 1):
            places.delete(transaction, place.key)
            continue
        state: places.State = "emptying" if empty else "orphan"
        places.save(transaction, structs.replace(place, state=state, left=now, fill=(), filled_up_to=""))
