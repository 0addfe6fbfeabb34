"""refresh: render articles again whose renditions were made in another way than now, oldest first.

A new release, a new disclaimer or an added format changes the fingerprint of every rendition (`render.fingerprint`),
and another rule of evidence that of every article. Live articles with another fingerprint are rendered again, and those
on hold looked at again, a few each second; they give way to articles that are due to be rendered. What is delivered
because of it gives way to other deliveries (`deliveries.LATER`).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from pipeline.ledger import Transaction, articles, leases
from pipeline.stages.context import LEASE, Context
from pipeline.stages.render import Render
from pipeline.stages.render.fan_out import current_fingerprint
from pipeline.stages.stage import Bell, Claim
from pipeline.timing import SWEEP_EVERY


class Refresh(Render):
    name = "refresh"
    kind = "article"
    threads = 1

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        if not context.policy.refresh_rate or not leases.is_free(transaction, self.name, now=now):
            return []
        context.channels_now(transaction)  # their gates are part of the fingerprint
        return [Bell()] if articles.outdated(transaction, current_fingerprint(context), now=now, limit=1) else []

    def due_rows(self, context: Context, now: dt.datetime) -> None:
        """Return None: the rows that Render works on are not those that are to be refreshed."""

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease as many articles as the rate allows until the named lease ends, in about a second.

        A sweep that looks at the lease just before its end comes back a second later: that time counts, too.
        """
        rate, now, token = context.policy.refresh_rate, context.clock(), context.new_id(LEASE)
        if not rate:
            return []
        with context.ledger.write() as transaction:
            if articles.any_due(transaction, now=now):
                return []
            late = _late(leases.until(transaction, self.name), now)
            portion = max(math.floor(rate * (1 + late)), 1)
            if not leases.acquire(transaction, self.name, token=token, now=now, seconds=portion / rate - late):
                return []
            context.channels_now(transaction)
            found = articles.claim_outdated(
                transaction,
                current_fingerprint(context),
                token=token,
                now=now,
                seconds=context.policy.render_lease,
                limit=portion,
            )
        return [Claim(token, (article_id,)) for article_id in found]

    def do(self, context: Context, claim: Claim) -> bool:
        """Render one article, unless another is due by now: then leave the rest for later."""
        with context.ledger.read() as transaction:
            must_wait = articles.any_due(transaction, now=context.clock())
        if must_wait:
            self.release(context, [claim])
            return False
        return super().do(context, claim)


def _late(ended: dt.datetime | None, now: dt.datetime) -> float:
    """Return the seconds since the lease ended, but no more than lie between two sweeps: before, nothing was to do."""
    return 0.0 if ended is None else min(max((now - ended).total_seconds(), 0.0), SWEEP_EVERY)
