"""Read places back at once, for a command, and repair what differs from the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct, structs

from pipeline.errors import CitewireError
from pipeline.ledger import places
from pipeline.ledger.places import Place, readings
from pipeline.ledger.places.readings import Drift
from pipeline.stages.acts import Act
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver import Deliver
from pipeline.stages.deliver.reading_back import can_be_read
from pipeline.stages.places.reading import EVERY
from pipeline.stages.places.reconcile import read_back, repair, unknown_files

_PORTION = 100


class Reconciled(Struct, frozen=True, kw_only=True):
    """What was found at a place. `mended` counts the deliveries that were repeated; `drift` is what is left."""

    place: str
    key: str
    channel: str
    state: str
    readable: bool
    drift: tuple[Drift, ...] = ()
    mended: int = 0
    error: str | None = None


def reconcile(context: Context, channels: Sequence[str], *, mends: Act | None) -> list[Reconciled]:
    """Read back every place, or those of these channels (or keys), and repair them if somebody says so in `mends`."""
    with context.ledger.read() as transaction:
        plans = context.channels_now(transaction)
        every = [one for one in places.every(transaction) if one.state in ("in-force", "orphan")]
    chosen = [one for one in every if not channels or one.channel in channels or one.key in channels]
    return [_place(context, one, plans.get(one.key), mends=mends) for one in chosen]


def _place(context: Context, place: Place, plan: ChannelPlan | None, *, mends: Act | None) -> Reconciled:
    new = Reconciled(place=place.title, key=place.key, channel=place.channel, state=place.state, readable=True)
    if plan is None:
        return structs.replace(new, readable=False, error="it cannot be reached: its settings are not known")
    try:
        found = _read(context, place.key, plan)
        if found is None:
            return structs.replace(new, readable=False)
        mended = repair(context, plan, found, mends) if mends and found else 0
        if mended:
            Deliver().drain(context, place.key)
            found = _read(context, place.key, plan) or []
    except CitewireError as error:
        return structs.replace(new, error=f"{error.code}: {error}")
    return structs.replace(new, drift=tuple(found), mended=mended)


def _read(context: Context, key: str, plan: ChannelPlan) -> list[Drift] | None:
    """Read all of a place, and keep what is found. Return None if it cannot be read back."""
    begun, found, after = context.clock(), list[Drift](), ""
    channel = plan.open()
    try:
        if not can_be_read(channel, plan):
            return None
        last: str | None = after
        while last is not None:
            some, last = read_back(context, channel, plan, last, _PORTION)
            found += some
        found += unknown_files(context, channel, plan)
    finally:
        channel.close()
    now = max(context.clock(), begun + dt.timedelta(microseconds=1))
    with context.ledger.write() as transaction:
        readings.keep(transaction, key, found, now=now)
        readings.end(transaction, key, begun=now, now=now, again=now + EVERY)
    return found
