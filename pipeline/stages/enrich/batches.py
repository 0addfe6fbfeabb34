"""Collect batches that are worth one of the few requests per second that NCBI allows a site.

Articles published together share requests, so a batch that is not full waits a moment for others (see
`schedule.ready_at`). One worker of the site waits for it; the others do something else.
"""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from pipeline.ledger import Transaction, leases
from pipeline.ledger.evidence import identifiers, mismatches, ncbi_rate_limit, rechecks
from pipeline.model.article import CitedWork
from pipeline.stages.context import LEASE, Context
from pipeline.stages.enrich.chain import most_works
from pipeline.stages.enrich.chain import services as chain_of
from pipeline.stages.enrich.schedule import MATCHER, PUBMED, NextRequest, Schedule

_WAITING = "enrich"  # the lease of the worker that waits
_MOST_MEANT = 10  # mismatches in a batch: each costs up to two requests
_LOOK = 0.1  # seconds between looks while waiting for a batch
_AHEAD, _NOTHING = dt.timedelta(seconds=0.5), dt.timedelta()  # how early a permit may be taken: see `_take`
_SPARE = 10.0  # seconds that the lease outlasts the patience


class Batch(Struct, frozen=True):
    """Leased under `token`, with a permit to ask for it: PMIDs, works whose PMIDs are to be found, or mismatches."""

    token: str
    service: str
    pmids: tuple[str, ...] = ()
    works: tuple[CitedWork, ...] = ()
    meant: tuple[str, ...] = ()  # references whose record is another work than the author describes

    @property
    def keys(self) -> tuple[str, ...]:
        """What names the batch in a claim: PMIDs, or what else it holds after its service."""
        works = (f"{self.service} {work.scheme}:{work.value}" for work in self.works)
        return (*self.pmids, *works, *(f"{self.service} {one}" for one in self.meant))


def next_batch(context: Context) -> Batch | None:
    """Wait for the next batch and return it, or None if there will be none soon or another worker waits for it."""
    patience = dt.timedelta(seconds=context.policy.batch_patience)
    stop = context.clock() + patience
    upcoming = _before(context, stop)
    if upcoming is None:
        return None
    token = context.new_id(LEASE)
    if upcoming.at <= context.clock() and (batch := _take(context, token, ahead=_NOTHING)):
        return batch
    seconds = patience.total_seconds() + _SPARE
    with context.ledger.write() as transaction:
        if not leases.acquire(transaction, _WAITING, token=token, now=context.clock(), seconds=seconds):
            return None
    while upcoming := _before(context, stop):
        wait = (max(upcoming.ready, upcoming.permit.at - _AHEAD) - context.clock()).total_seconds()
        if wait > 0:
            context.pause(min(wait, _LOOK))
        elif batch := _take(context, token, ahead=_AHEAD):
            return batch
    with context.ledger.write() as transaction:
        leases.release(transaction, _WAITING, token=token)
    return None


def _before(context: Context, stop: dt.datetime) -> NextRequest | None:
    with context.ledger.read() as transaction:
        upcoming = Schedule(context).next_request(transaction, context.clock())
    return upcoming if upcoming and upcoming.at <= stop else None


def _take(context: Context, token: str, *, ahead: dt.timedelta) -> Batch | None:
    """Claim the batch with a permit, and wait for the permit's time; None if it is gone or not due within `ahead`.

    Taking a permit a little ahead of its time leaves it to one worker, instead of several that wake up for it together.
    """
    schedule = Schedule(context)
    with context.ledger.write() as transaction:
        ncbi_rate_limit.lock(transaction)
        now = context.clock()  # read here, because the transaction may have waited for others
        upcoming = schedule.next_request(transaction, now)
        if upcoming is None or upcoming.ready > now or upcoming.permit.at > now + ahead:
            return None
        batch = _claim(context, transaction, upcoming.service, token, now)
        if not batch.keys:
            return None
        schedule.take(transaction, upcoming, token=token)
        leases.release(transaction, _WAITING, token=token)
    context.doorbell.ring("enrich")  # another worker may wait for what is left
    if (wait := (upcoming.at - context.clock()).total_seconds()) > 0:
        context.pause(wait)
    return batch


def _claim(context: Context, transaction: Transaction, service: str, token: str, now: dt.datetime) -> Batch:
    seconds, limit = context.policy.enrich_lease, context.policy.pubmed_batch
    if service == MATCHER:
        most = _MOST_MEANT
        meant = mismatches.claim(transaction, token=token, now=now, seconds=seconds, limit=most)
        return Batch(token, service, meant=tuple(meant))
    if service != PUBMED:
        chain, most = chain_of(context), most_works(context, service)
        works = identifiers.claim(transaction, service, chain, token=token, now=now, seconds=seconds, limit=most)
        return Batch(token, service, works=tuple(works))
    night = Schedule(context).is_night(now)
    pmids = rechecks.claim(transaction, token=token, now=now, seconds=seconds, limit=limit, night=night)
    return Batch(token, service, pmids=tuple(pmids))
