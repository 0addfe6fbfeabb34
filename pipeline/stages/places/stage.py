"""The stage that fills and empties places, one page or one step at a time, for the whole site in one process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import structlog
from msgspec import structs

from pipeline.ledger import Transaction, leases, places
from pipeline.ledger.places import Place, rekeying
from pipeline.stages.context import LEASE, Context
from pipeline.stages.places.fill import fill_page, render_ahead
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen

_NAME = "places"
_LEASE = 60.0  # seconds, far longer than a page takes

_log = structlog.get_logger()


class Places(Stage):
    name = _NAME
    kind = "place"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if _next(context, transaction) and leases.is_free(transaction, _NAME, now=now) else []

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        token = context.new_id(LEASE)
        with context.ledger.write() as transaction:
            place = _next(context, transaction)
            if place is None:
                return []
            taken = leases.acquire(transaction, _NAME, token=token, now=context.clock(), seconds=_LEASE)
        return [Claim(token, (place.key,))] if taken else []

    def do(self, context: Context, claim: Claim) -> bool:
        ring = None
        _render_ahead(context)
        with context.ledger.write() as transaction:
            plans = context.channels_now(transaction)
            place = _next(context, transaction)
            if place is not None and place.state == "emptying":
                ring = _empty(transaction, place, now=context.clock())
            elif place is not None and fill_page(context, transaction, place, plans[place.key]):
                ring = place.key
            leases.release(transaction, _NAME, token=claim.token, failed=False)
        if ring is not None:
            context.doorbell.ring("deliver", ring)
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        with context.ledger.write() as transaction:
            wait = dt.timedelta(seconds=unforeseen(leases.failures(transaction, _NAME)))
            later = context.clock() + wait
            leases.release(transaction, _NAME, token=claim.token, not_before=later, failed=True)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: there is at most one claim, and it is processed."""


def _render_ahead(context: Context) -> None:
    with context.ledger.read() as transaction:
        place, plans = _next(context, transaction), context.channels
    if place is not None and place.state == "in-force":
        render_ahead(context, place, plans[place.key])


def _next(context: Context, transaction: Transaction) -> Place | None:
    """Return a place that something can be done for now: one to fill, or one whose emptying can begin or has ended."""
    busy = places.busy(transaction)
    plans = context.channels_now(transaction) if busy else {}
    sources = {source for one in busy if one.state == "in-force" for source in one.fill}
    for one in busy:
        if one.state == "in-force" and one.fill and one.key in plans:
            return one
        if one.state == "emptying" and one.key not in sources and _can_go_on(transaction, one):
            return one
    return None


def _can_go_on(transaction: Transaction, place: Place) -> bool:
    return rekeying.is_to_be_emptied(transaction, place.key) or not places.unproved(transaction, place.key)


def _empty(transaction: Transaction, place: Place, *, now: dt.datetime) -> str | None:
    """Schedule the removals from the place or, once all are done and proved, close it. Return what to ring for."""
    if rekeying.is_to_be_emptied(transaction, place.key):
        rekeying.empty(transaction, place.key, now=now)
        return place.key
    rekeying.forget_emptied(transaction, place.key)
    places.save(transaction, structs.replace(place, state="emptied"))
    places.keep(transaction, None, now=now)
    _log.info("place emptied", channel=place.channel, place=place.title)
    return None
