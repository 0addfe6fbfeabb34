"""reconcile: once a day, read each place back, a few articles at a time, and record what is not as it should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import structlog

from pipeline.errors import CitewireError
from pipeline.ledger import Transaction, leases
from pipeline.ledger.places import readings
from pipeline.ledger.places.readings import Reading
from pipeline.stages.context import LEASE, Context
from pipeline.stages.deliver.reading_back import can_be_read
from pipeline.stages.places.reconcile import read_back, unknown_files
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen

EVERY = dt.timedelta(days=1)
PORTION = 10  # articles read at a time, each within its channel's time limit
_PAUSE = dt.timedelta(seconds=5)  # between two portions
_AFTER_A_FAILURE = dt.timedelta(hours=1)
_LEASE = 900.0  # seconds, longer than a portion from a slow place takes
_NAME = "reconcile"

_log = structlog.get_logger()


class Reconcile(Stage):
    name = _NAME
    kind = "place"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        if readings.next_reading(transaction, now) is None or not leases.is_free(transaction, _NAME, now=now):
            return []
        return [Bell()]

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        now, token = context.clock(), context.new_id(LEASE)
        with context.ledger.write() as transaction:
            found = readings.next_reading(transaction, now)
            if found is None or not leases.acquire(transaction, _NAME, token=token, now=now, seconds=_LEASE):
                return []
            if found.due is None:  # at another hour for each place, so that not all are read at once
                new = readings.without_time(transaction)
                readings.set_times(transaction, {key: now + EVERY * context.random() for key in new})
                leases.release(transaction, _NAME, token=token)
                return []
        return [Claim(token, (found.key,))]

    def do(self, context: Context, claim: Claim) -> bool:
        """Read a portion. The next one waits a moment, so that reading delays nothing."""
        now = context.clock()
        with context.ledger.read() as transaction:
            plan = context.channels_now(transaction).get(claim.keys[0])
            place = readings.reading_of(transaction, claim.keys[0])
        if plan is None or place is None:
            self._rest(context, claim)
            return False
        try:
            self._read(context, place)
        except CitewireError as error:
            with context.ledger.write() as transaction:
                readings.fail(transaction, place.key, f"{error.code}: {error}", again=now + _AFTER_A_FAILURE)
        self._rest(context, claim)
        return False

    def _read(self, context: Context, place: Reading) -> None:
        plan, begun = context.channels[place.key], place.due or context.clock()
        channel = plan.open()
        try:
            readable = can_be_read(channel, plan)
            found, last = read_back(context, channel, plan, place.up_to or "", PORTION) if readable else ([], None)
            if last is None and readable:
                found += unknown_files(context, channel, plan)
        finally:
            channel.close()
        now = context.clock()
        with context.ledger.write() as transaction:
            readings.keep(transaction, place.key, found, now=now)
            if last is not None:
                readings.go_on(transaction, place.key, up_to=last, due=begun)
            else:
                readings.end(transaction, place.key, begun=begun, now=now, again=now + EVERY)
        if found:
            _log.warning("drift", channel=place.key, found=len(found), first=f"{found[0].kind}: {found[0].detail}")

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Read the place again in an hour, unless another worker has its turn by now."""
        now = context.clock()
        with context.ledger.write() as transaction:
            later = now + dt.timedelta(seconds=unforeseen(leases.failures(transaction, _NAME)))
            if leases.release(transaction, _NAME, token=claim.token, not_before=later, failed=True):
                text = f"{type(error).__name__}: {error}"
                readings.fail(transaction, claim.keys[0], text, again=now + _AFTER_A_FAILURE)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: there is at most one claim, and it is processed."""

    def _rest(self, context: Context, claim: Claim) -> None:
        with context.ledger.write() as transaction:
            until = context.clock() + _PAUSE
            leases.release(transaction, _NAME, token=claim.token, not_before=until, failed=False)
