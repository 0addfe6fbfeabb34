"""Housekeeping: old attempts go, and the hub's subscriptions that have run out.

What each channel holds, the last try at each delivery, and every revision stay.
"""

from __future__ import annotations

import datetime as dt

from pipeline.ledger.deliveries import attempts
from pipeline.ledger.hub import subscriptions
from pipeline.stages.context import Context


def prune(context: Context, *, older_than: dt.timedelta, batch: int = 2_000) -> int:
    """Forget attempts that are older than this, a batch in a transaction, so that nobody waits for it. How many."""
    before = context.clock() - older_than
    with context.ledger.write() as transaction:
        subscriptions.forget_expired(transaction, now=context.clock())
    gone, after = 0, 0
    while True:
        with context.ledger.write() as transaction:
            count, last = attempts.forget(transaction, before=before, after=after, limit=batch)
        gone += count
        if last is None:
            return gone
        after = last
