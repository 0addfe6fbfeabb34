"""What commands do with the settings on disk: say what they would change, put them in force, replace a partner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from config.settings import Settings
from pipeline.channels import channel_types
from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger, Transaction, operations, places
from pipeline.ledger.operations import Operation, Part
from pipeline.ledger.places import Place
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.places import leaving
from pipeline.stages.places import plan as stage
from pipeline.stages.places.plan import Plan
from pipeline.stages.places.take_up import recorded, take_up
from workers.alerting import receivers_of
from workers.places import configured_channels
from workers.wiring import context_of, named_file, new_id, plan_of, public_http


def plan(ledger: Ledger, settings: Settings, *, now: dt.datetime) -> Plan:
    """Return what putting the settings in force would change. Raises ConfigError for settings that cannot be used."""
    context = _checked(ledger, settings)
    with ledger.read() as transaction:
        return stage.plan(context, transaction, configured_channels(settings), now=now)


def _checked(ledger: Ledger, settings: Settings) -> Context:
    """Return the context that the settings give. Raises ConfigError for settings that cannot be used."""
    http = public_http(settings)
    with named_file(settings):
        plans = {channel.id: plan_of(channel, http) for channel in settings.channels}
        return context_of(settings, ledger, http, NoDoorbell(), plans, receivers_of(settings, http))


def apply(ledger: Ledger, settings: Settings, *, empty: bool, by: str, now: dt.datetime) -> Plan:
    """Put the settings in force and, with `empty`, have what channels have left emptied; return what that changes."""
    planned = plan(ledger, settings, now=now)
    with ledger.write() as transaction:
        _, parts = recorded(transaction, configured_channels(settings), empty=False, now=now)
        for place in places.every(transaction, states=frozenset({"orphan"})) if empty else ():
            if place.settings is not None:
                leaving.empty(transaction, place, now=now)
                parts.append(_part_of(place, "emptied"))
        _record(transaction, "apply", parts, by=by, now=now)
    return planned


def replaced(ledger: Ledger, settings: Settings, channel: str, *, by: str, now: dt.datetime) -> None:
    """Put the settings in force, in which a channel has another partner. Raises InvalidEvent if that cannot be so."""
    _checked(ledger, settings)
    (configured,) = (one for one in configured_channels(settings) if one.channel == channel)
    kind = channel_types()[configured.type]
    with ledger.write() as transaction:
        place = places.find(transaction, channel)
        if kind.place is not None or kind.is_pull:
            hint = "change its settings" if kind.place else "give the new partner a channel and a token of its own"
            raise InvalidEvent(
                f"a channel of the type {configured.type} is not replaced", code="not-a-partner", hint=hint
            )
        if place is None or place.state != "in-force" or place.settings == configured.settings:
            hint = "change its address in the settings, then run this before the system is started with it"
            raise InvalidEvent(f"{channel} has the partner that is in force", code="nothing-to-replace", hint=hint)
        leaving.replace_partner(transaction, place, now=now)
        take_up(transaction, configured_channels(settings), empty=False, now=now)
        _record(transaction, "replace", [_part_of(place, "replaced")], by=by, now=now)


def decide(ledger: Ledger, name: str, *, give_up: str | None, by: str, now: dt.datetime) -> tuple[Place, int]:
    """Give up the place of this key or location, with `give_up` as the reason, or have it emptied."""
    with ledger.write() as transaction:
        place = _left(transaction, name)
        if give_up is None:
            if place.settings is None:
                hint = "give it up, or put the channel back"
                raise InvalidEvent(f"nobody knows how to reach {place.title}", code="place-unknown", hint=hint)
            leaving.empty(transaction, place, now=now)
            _record(transaction, "empty", [_part_of(place, "emptied")], by=by, now=now)
            return place, places.count_contents(transaction, place.key)
        count = leaving.give_up(transaction, place, reason=give_up, by=by, now=now)
        _record(transaction, "give-up", [_part_of(place, "given-up", give_up)], by=by, now=now)
        return place, count


def _left(transaction: Transaction, name: str) -> Place:
    """Return the place that a person means: by its key or location, or the only one that a channel has left."""
    every = places.every(transaction)
    left = [one for one in every if one.state in ("orphan", "emptying")]
    exact = [one for one in left if name in (one.key, one.location)]
    found = exact or [one for one in left if name == one.channel]
    if len(found) == 1:
        return found[0]
    if not found and any(name in (one.key, one.location) for one in every if one.state == "in-force"):
        raise InvalidEvent(f"{name} is in force", code="place-in-force", hint="remove or move the channel first")
    hint = "name it by the key that `citewire places` shows"
    what = f"there are {len(found)} places" if found else "there is no place"
    raise InvalidEvent(f"{what} {name!r}", code="unknown-place", hint=hint)


def _part_of(place: Place, outcome: operations.PartOutcome, reason: str | None = None) -> Part:
    reason_with_title = f"{place.title}: {reason}" if reason else place.title
    return Part(None, None, None, outcome, channel=place.channel, reason=reason_with_title)


def _record(
    transaction: Transaction, kind: operations.Kind, parts: Sequence[Part], *, by: str, now: dt.datetime
) -> None:
    if parts:
        operations.record(transaction, Operation(new_id("op_"), kind, by, now), parts)
