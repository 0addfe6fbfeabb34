"""Compare the places that the ledger knows with those that the settings name. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Literal

from msgspec import Struct, structs

from pipeline.ledger.places import ALL, Place

Kind = Literal["added", "kept", "refiltered", "reformatted", "moved", "renamed", "returned", "removed"]

_FILTERS = ("gate", "evidence")  # besides the topics: which articles a channel may have

REPLACED = "its channel has another partner"  # why a partner's place is not taken over again


class ConfiguredChannel(Struct, frozen=True, kw_only=True):
    """A channel as the settings have it."""

    channel: str
    type: str
    location: str | None  # None: the place is the partner, whatever its address
    format: str
    settings: bytes
    backfill: bool = True  # if added, it gets what was published before


class Change(Struct, frozen=True, kw_only=True):
    """What becomes of a channel and its place."""

    kind: Kind
    channel: str
    configured: ConfiguredChannel | None  # None: removed
    location: str  # of its copies from now on, or, if it is removed, until now
    former: Place | None = None  # the place that was in force
    evicted: Place | None = None  # the place that loses the channel's id as its key, because another one gets it
    key: str | None = None  # its new key
    takes: Place | None = None  # the known place at its location, which becomes its own
    merges: tuple[Place, ...] = ()  # further places at its location, whose articles it continues
    fill: tuple[str, ...] = ()  # from where its place is to be filled, by the keys after the change


def changes(known: Sequence[Place], configured: Sequence[ConfiguredChannel], *, first: bool = False) -> list[Change]:
    """Return what becomes of each channel, in order of name. `first`: no settings were ever in force.

    A place that was left, now or before, and lies where a channel is now, is taken over by it.
    """
    in_force = {one.channel: one for one in known if one.state == "in-force"}
    staying = {one.channel for one in configured if one.channel in in_force and _same(in_force[one.channel], one)}
    free = [one for one in known if one.state != "in-force" or one.channel not in staying]
    found = []
    for one in sorted(configured, key=lambda each: (each.channel not in staying, each.channel)):
        here = sorted((place for place in free if _same(place, one)), key=lambda place: _preference(place, one))
        if one.channel in staying:
            here = [place for place in here if place.format == one.format == in_force[one.channel].format]
        free = [place for place in free if place not in here]
        found.append(_change(one, in_force.get(one.channel), here, known, first=first))
    named = {one.channel for one in configured}
    found += [_removed(place) for channel, place in in_force.items() if channel not in named]
    return _with_final_keys(sorted(found, key=lambda change: change.channel))


def partner(channel: str) -> str:
    """Return the place of a channel whose partner may change its address."""
    return f"partner:{channel}"


def next_partner(location: str) -> str:
    """Return the place of the partner that replaces the one at this place."""
    base, _, number = location.partition("#")
    return f"{base}#{int(number or 1) + 1}"


def _change(
    one: ConfiguredChannel, former: Place | None, here: Sequence[Place], known: Collection[Place], *, first: bool
) -> Change:
    if former is not None and _same(former, one):
        lets_more = _lets_more(former, one)
        kind: Kind = "refiltered" if lets_more else "kept"
        fill = (*former.fill, ALL) if lets_more else former.fill
        if former.format != one.format:
            kind, fill = "reformatted", (*fill, one.channel)
        return Change(
            kind=kind,
            channel=one.channel,
            configured=one,
            location=_location(one, former, known),
            former=former,
            merges=tuple(here),
            fill=tuple(dict.fromkeys(fill)),
        )
    takes = here[0] if here else None
    evicted = next((place for place in known if place.key == one.channel and place is not takes), None)
    key = None if evicted is None else free_key(evicted, {place.key for place in known})
    kind = "added" if former is None else "moved"
    if takes is not None:
        kind = "returned" if takes.channel == one.channel else "renamed"
    return Change(
        kind=kind,
        channel=one.channel,
        configured=one,
        location=_location(one, takes, known),
        former=former,
        evicted=evicted,
        key=key,
        takes=takes,
        merges=tuple(here[1:]),
        fill=_sources(one, former, key, here, first=first),
    )


def _sources(
    one: ConfiguredChannel, former: Place | None, key: str | None, here: Sequence[Place], *, first: bool
) -> tuple[str, ...]:
    """Return from where a place is filled that the channel did not have before."""
    sources: list[str] = []
    if former is not None and key is not None:
        sources += [key, *former.fill]
    if here:
        sources += [one.channel, *(source for place in here for source in place.fill)]
    was_left = not here or here[0].state != "in-force"  # otherwise it was another channel's until now: it was renamed
    if former is None and one.backfill and not first and was_left:
        sources.append(ALL)
    return tuple(dict.fromkeys(sources))


def _lets_more(former: Place, one: ConfiguredChannel) -> bool:
    """Return whether the channel may lack articles that passed neither its topics nor its gate before.

    What it has and would not be sent now is not taken away: it goes on being corrected and withdrawn.
    """
    if former.settings is None or not one.backfill or former.settings == one.settings:
        return False
    before, now = (json.loads(each)["table"] for each in (former.settings, one.settings))
    topics, more = (frozenset(each.get("topics") or ()) for each in (before, now))
    is_wider = bool(topics) and (not more or bool(more - topics))
    return is_wider or before.get("backfill") is False or any(before.get(one) != now.get(one) for one in _FILTERS)


def _removed(place: Place) -> Change:
    return Change(kind="removed", channel=place.channel, configured=None, location=place.title, former=place)


def _same(place: Place, configured: ConfiguredChannel) -> bool:
    """Return whether the channel's copies lie in this place."""
    if place.state == "emptied" or place.reason == REPLACED:
        return False
    if place.location is None:  # the channel was removed before places were known
        return place.channel == configured.channel
    if configured.location is not None:
        return place.location == configured.location
    return place.location.partition("#")[0] == partner(configured.channel)


def _preference(place: Place, configured: ConfiguredChannel) -> tuple[bool, bool, bool, str]:
    """Order the places at one location: the channel's own first, then those in its format."""
    return (
        place.channel != configured.channel,
        place.format != configured.format,
        place.state == "given-up",
        place.key,
    )


def free_key(place: Place, keys: Collection[str]) -> str:
    """Return a key for a place that loses its own. No channel's id contains "@"."""
    for number in range(len(keys) + 1):
        digest = hashlib.sha256(f"{place.location}\n{number}".encode()).hexdigest()
        key = f"{place.channel}@{digest[:8]}"
        if key not in keys:
            return key
    raise AssertionError("there are more numbers than keys")


def _location(configured: ConfiguredChannel, place: Place | None, known: Collection[Place]) -> str:
    """Return where the channel's copies lie. A partner that replaced another keeps its number, or gets the next one."""
    if configured.location is not None:
        return configured.location
    if place is not None and place.location:
        return place.location
    replaced = [one.location for one in known if one.channel == configured.channel and one.reason == REPLACED]
    numbers = [int(one.partition("#")[2] or 1) for one in replaced if one]
    return f"{partner(configured.channel)}#{max(numbers) + 1}" if numbers else partner(configured.channel)


def final_keys(found: Sequence[Change]) -> dict[str, str]:
    """Return the keys after the changes, of those places whose keys change."""
    keys = {change.evicted.key: change.key for change in found if change.evicted and change.key}
    final = dict(keys)
    for change in found:
        for place in (change.takes, *change.merges):
            if place is not None:
                former = keys.get(place.key, place.key)
                final[place.key] = final[former] = change.channel
    return final


def _with_final_keys(found: list[Change]) -> list[Change]:
    """Name the places that are filled from by their keys after all the changes."""
    evicted = {change.key for change in found if change.key}
    final = final_keys(found)

    def source(change: Change, key: str) -> str:
        is_final = key not in evicted and key in (ALL, change.channel)
        return key if is_final else final.get(key, key)

    return [
        structs.replace(change, fill=tuple(dict.fromkeys(source(change, key) for key in change.fill)))
        for change in found
    ]
