"""After a restore: ask every place what it has beyond the backup, and let an operator decide."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from config.settings import Settings
from pipeline.errors import CitewireError
from pipeline.ledger import Ledger, findings, places
from pipeline.ledger.findings import EVERY_PLACE, Finding
from pipeline.ledger.places import REACHABLE, Place
from pipeline.stages.context import ChannelPlan, Context, NoDoorbell
from pipeline.stages.places.survey import can_be_surveyed, survey, unread
from pipeline.stages.places.take_up import log_changes, take_up
from workers.places import configured_channels


class Asked(Struct, frozen=True, kw_only=True):
    """A place, and whether it was read back. `error`: why it could not be."""

    key: str
    place: str
    readable: bool
    found: int = 0
    error: str | None = None


def not_yet_asked(ledger: Ledger, *, now: dt.datetime) -> None:
    """Record that no place has been asked yet, so that a restore that is interrupted is not taken for a whole one."""
    with ledger.write() as transaction:
        unasked = Finding(place=EVERY_PLACE, kind="unread", detail="the places have not been read back yet")
        findings.record(transaction, [unasked], now=now)


def look_at_places(settings: Settings, ledger: Ledger, *, now: dt.datetime) -> list[Asked]:
    """Ask every place of the restored ledger and of the settings on disk, and record what lies beyond the backup."""
    from workers.wiring import build_context

    with ledger.write() as transaction:
        changes = take_up(transaction, configured_channels(settings), empty=False, now=now)
    log_changes(changes)
    context = build_context(settings, NoDoorbell(), take_up=False)
    try:
        with context.ledger.read() as transaction:
            plans = context.channels_now(transaction)
            every = places.every(transaction, states=REACHABLE)
        asked = [_ask(context, place, plans.get(place.key), now) for place in every]
    finally:
        context.ledger.close()
    with ledger.write() as transaction:
        findings.begin_reading(transaction, EVERY_PLACE)
    return asked


def _ask(context: Context, place: Place, plan: ChannelPlan | None, now: dt.datetime) -> Asked:
    found, error = list[Finding](), None
    readable = plan is not None
    try:
        articles_beyond = None if plan is None else _read(context, plan)
        readable, found = articles_beyond is not None, articles_beyond or []
    except CitewireError as problem:
        error, found = f"{problem.code}: {problem}", [unread(place.key, problem)]
    with context.ledger.write() as transaction:
        findings.begin_reading(transaction, place.key)
        findings.record(transaction, found, now=now)
    count = 0 if error else len(found)
    return Asked(key=place.key, place=place.title, readable=readable, found=count, error=error)


def _read(context: Context, plan: ChannelPlan) -> list[Finding] | None:
    """Return what the place has beyond the ledger, or None if it cannot be asked."""
    channel = plan.open()
    try:
        return survey(context, channel, plan) if can_be_surveyed(channel, plan) else None
    finally:
        channel.close()
