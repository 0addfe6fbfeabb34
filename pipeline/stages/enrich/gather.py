"""Whose turn it is to ask NCBI, and for what: a batch worth one of the few requests a second that a site may make.

A burst of articles shares its requests. So a batch that is not full waits until nothing new has come for a moment, or
until its first has waited long enough; and whoever sees it due waits for it, one worker of all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct

from pipeline.ledger import Transaction, evidence, leases
from pipeline.ledger.evidence import identifiers, rechecks, turns
from pipeline.ledger.evidence.turns import Service, Turn
from pipeline.model.article import CitedWork
from pipeline.stages.context import LEASE, Context, Policy
from pipeline.stages.enrich import watch

_WAITING = "enrich"  # the lease of the one that waits
_LOOK = 0.1  # seconds between looks while waiting for a batch
_AHEAD, _NOTHING = dt.timedelta(seconds=0.5), dt.timedelta()  # a turn is taken so long before it comes: see `_take`
_SPARE = 10.0  # seconds that the lease outlasts the patience


class Batch(Struct, frozen=True):
    """Leased under `token`, with a permit to ask for it: PMIDs, or works whose PMIDs are to be found."""

    token: str
    pmids: tuple[str, ...] = ()
    works: tuple[CitedWork, ...] = ()


class _Next(Struct, frozen=True):
    service: Service
    ready: dt.datetime
    turn: Turn

    @property
    def at(self) -> dt.datetime:
        return max(self.ready, self.turn.at)


def next_batch(context: Context) -> Batch | None:
    """The next batch, when it may be asked for; None where that is not soon, or another worker waits for it."""
    patience = dt.timedelta(seconds=context.policy.turn_patience)
    stop = context.clock() + patience
    upcoming = _within(context, stop)
    if upcoming is None:
        return None
    token = context.new_id(LEASE)
    if upcoming.at <= context.clock() and (batch := _take(context, token, ahead=_NOTHING)):
        return batch
    seconds = patience.total_seconds() + _SPARE
    with context.ledger.write() as transaction:
        if not leases.acquire(transaction, _WAITING, token=token, now=context.clock(), seconds=seconds):
            return None
    while upcoming := _within(context, stop):
        wait = (max(upcoming.ready, upcoming.turn.at - _AHEAD) - context.clock()).total_seconds()
        if wait > 0:
            context.pause(min(wait, _LOOK))
        elif batch := _take(context, token, ahead=_AHEAD):
            return batch
    with context.ledger.write() as transaction:
        leases.release(transaction, _WAITING, token=token)
    return None


def ready_at(since: Sequence[dt.datetime], policy: Policy) -> dt.datetime | None:
    """When to ask for what has been due since these times; None where nothing is due. Pure."""
    if not since:
        return None
    if len(since) >= policy.pubmed_batch:
        return min(since)
    quiet = max(since) + dt.timedelta(seconds=policy.gather_quiet)
    return min(quiet, min(since) + dt.timedelta(seconds=policy.gather_longest))


def _within(context: Context, stop: dt.datetime) -> _Next | None:
    with context.ledger.read() as transaction:
        upcoming = _next(context, transaction, context.clock())
    return upcoming if upcoming and upcoming.at <= stop else None


def _next(context: Context, transaction: Transaction, now: dt.datetime) -> _Next | None:
    """The next request, to either service, that can be foreseen."""
    policy = context.policy
    works = ready_at(identifiers.due_since(transaction, now=now, limit=policy.pubmed_batch), policy)
    pmids = ready_at(evidence.due_since(transaction, now=now, limit=policy.pubmed_batch), policy)
    if pmids is None and rechecks.any_due(transaction, now=now, night=watch.may_recheck(context, now=now)):
        pmids = now
    wanted: tuple[tuple[Service, dt.datetime | None], ...] = (("idconv", works), ("pubmed", pmids))
    upcoming = [
        _Next(service, ready, turn)
        for service, ready in wanted
        if ready is not None and (turn := _turn(transaction, service, policy, now))
    ]
    return min(upcoming, key=lambda one: one.at, default=None)


def _turn(transaction: Transaction, service: Service, policy: Policy, now: dt.datetime) -> Turn | None:
    return turns.next_turn(transaction, service, now=now, rate=policy.pubmed_rate, parallel=policy.pubmed_parallel)


def _take(context: Context, token: str, *, ahead: dt.timedelta) -> Batch | None:
    """The batch, with a permit, if it is still there and its turn comes within `ahead`, which is then waited for."""
    with context.ledger.write() as transaction:
        turns.hold_still(transaction)
        now = context.clock()  # not before: the transaction may have waited for others
        upcoming = _next(context, transaction, now)
        if upcoming is None or upcoming.ready > now or upcoming.turn.at > now + ahead:
            return None
        batch = _claim(context, transaction, upcoming.service, token, now)
        if batch.pmids or batch.works:
            turns.take(transaction, upcoming.turn, token=token, now=upcoming.at, seconds=context.policy.enrich_lease)
            leases.release(transaction, _WAITING, token=token)
    if not batch.pmids and not batch.works:
        return None
    context.doorbell.ring("enrich")  # somebody else may wait for what is left
    if (wait := (upcoming.at - context.clock()).total_seconds()) > 0:
        context.pause(wait)
    return batch


def _claim(context: Context, transaction: Transaction, service: Service, token: str, now: dt.datetime) -> Batch:
    seconds, limit = context.policy.enrich_lease, context.policy.pubmed_batch
    if service == "idconv":
        works = identifiers.claim(transaction, token=token, now=now, seconds=seconds, limit=limit)
        return Batch(token, works=tuple(works))
    night = watch.may_recheck(context, now=now)
    pmids = rechecks.claim(transaction, token=token, now=now, seconds=seconds, limit=limit, night=night)
    return Batch(token, pmids=tuple(pmids))
