"""alerts: send one notice when something begins to need a person, and one when it no longer does.

What was sent to whom is kept in the ledger, so that neither a restart nor a second process sends it again. A receiver
gets everything new in one message. One that cannot be reached is tried again without delaying the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
import structlog

from pipeline.errors import CitewireError
from pipeline.ledger import Transaction, alerts, leases
from pipeline.ledger.claims import NOTHING_DUE, DueRows
from pipeline.stages.alerts.notice import condition_of, notice
from pipeline.stages.attention import needs
from pipeline.stages.context import LEASE, AlertReceiver, Context
from pipeline.stages.periodic import Periodic
from pipeline.stages.stage import Bell, Claim
from pipeline.timing import doubling

EVERY = dt.timedelta(seconds=5)  # between two looks at what needs a person
_LEASE = 120.0  # longer than a look, and than sending to one receiver
_FIRST, _MOST = 10.0, 600.0  # seconds until a receiver that could not be reached is tried again

_log = structlog.get_logger()


class Alerts(Periodic):
    name = "alerts"
    every = EVERY
    lease = _LEASE

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return super().due(context, transaction, now) if context.alerts else []

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        return super().due_rows(context, now) if context.alerts else NOTHING_DUE

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        return super().claim(context, key) if context.alerts else []

    def run(self, context: Context) -> None:
        _look(context)

    def do(self, context: Context, claim: Claim) -> bool:
        super().do(context, claim)
        for receiver in context.alerts:
            _notify(context, receiver)
        return True


def _look(context: Context) -> None:
    """Record which conditions began and which ended."""
    now = context.clock()
    with context.ledger.read() as transaction:
        channels = [one.id for one in context.channels_now(transaction).values() if not one.retired]
        needed = needs(transaction, channels, now=now, disk=context.disk(), unapplied=context.unapplied())
    found = {one.key: one for one in needed}
    conditions = {key: msgspec.json.encode(one) for key, one in found.items()}
    ids = {key: context.new_id("alert_") for key in conditions}
    with context.ledger.write() as transaction:
        alerts.update(transaction, conditions, ids, now=now)


def _notify(context: Context, receiver: AlertReceiver) -> None:
    """Send a receiver its unsent notices, unless another process is doing so or it is too early.

    Usually there are none, and nothing is written.
    """
    lease, now, token = f"alert:{receiver.name}"[:64], context.clock(), context.new_id(LEASE)
    with context.ledger.read() as transaction:
        if not _unsent(transaction, receiver) and not leases.failures(transaction, lease):
            return
    with context.ledger.write() as transaction:
        if not leases.acquire(transaction, lease, token=token, now=now, seconds=_LEASE):
            return
        entries = _unsent(transaction, receiver)
        failures = leases.failures(transaction, lease)
    error = None
    if entries:
        try:
            receiver.send(notice(entries, site=context.site.title, at=now))
        except CitewireError as problem:
            error = problem
            _log.warning("nobody could be alerted", receiver=receiver.name, code=problem.code, error=str(problem))
    wait = doubling(failures, first=_FIRST, most=_MOST) if error else 0.0
    with context.ledger.write() as transaction:
        if entries and error is None:
            alerts.mark_sent(transaction, receiver.name, entries, now=now)
        until = context.clock() + dt.timedelta(seconds=wait)
        leases.release(transaction, lease, token=token, not_before=until, failed=error is not None)
    if entries and error is None:
        _log.info("alerted", receiver=receiver.name, count=len(entries))


def _unsent(transaction: Transaction, receiver: AlertReceiver) -> list[tuple[alerts.Kind, alerts.Alert]]:
    found = alerts.unsent(transaction, receiver.name)
    return [(kind, alert) for kind, alert in found if receiver.accepts(condition_of(alert))]
