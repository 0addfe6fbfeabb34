"""How a channel has answered lately: how many attempts, how quickly, and what failed last."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from msgspec import Struct

from pipeline.ledger import Transaction
from pipeline.ledger.deliveries import attempts
from pipeline.ledger.deliveries.attempts import AttemptAt

DAY = dt.timedelta(days=1)
WINDOW = 5_000  # attempts at all channels that are looked at, so that a busy site's page waits for no more
MOST_ERRORS = 5
_HOUR = dt.timedelta(hours=1)


class ChannelFigures(Struct, frozen=True):
    """Attempts at a channel since a moment. Latencies are of accepted ones, in milliseconds; None: there were none."""

    since: dt.datetime
    accepted: int
    failed: int
    per_hour: float
    median: int | None
    p95: int | None
    p99: int | None
    errors: tuple[AttemptAt, ...]  # the newest first, at most `MOST_ERRORS`


def figures_of(transaction: Transaction, channel: str, now: dt.datetime) -> ChannelFigures:
    """Return the figures of the last day, or of the site's newest `WINDOW` attempts if these were made since."""
    oldest = attempts.oldest_of(transaction, since=now - DAY, limit=WINDOW)
    since = now - DAY if oldest is None else oldest
    found = attempts.at_channel(transaction, channel, since=since, limit=WINDOW)
    took = sorted(one.milliseconds for one in found if one.outcome == "delivered")
    failed = [one for one in found if one.outcome not in ("delivered", "repaired")]
    return ChannelFigures(
        since=since,
        accepted=len(took),
        failed=len(failed),
        per_hour=len(found) / max((now - since) / _HOUR, 1 / 60),
        median=percentile(took, 50),
        p95=percentile(took, 95),
        p99=percentile(took, 99),
        errors=tuple(failed[:MOST_ERRORS]),
    )


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that at least so many percent of the values do not exceed (nearest rank)."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else None
