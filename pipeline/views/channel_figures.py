"""How a channel has answered lately: how many attempts, how quickly, and what failed last."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction
from pipeline.ledger.deliveries import attempts
from pipeline.ledger.deliveries.attempts import AttemptAt
from pipeline.views.fields import ArticleId, Count, Field, Time

DAY = dt.timedelta(days=1)
WINDOW = 5_000  # attempts at all channels that are looked at, so that a busy site's page waits for no more
MOST_ERRORS = 5
_HOUR = dt.timedelta(hours=1)

_Milliseconds = Annotated[int | None, Field(description="Milliseconds; null: it accepted none.")]


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt at a delivery that the channel did not accept."""

    delivery: Annotated[str, Field(examples=["dlv_0c4f7a91d2e6"])]
    article: ArticleId
    at: Time
    outcome: Annotated[str, Field(examples=["refused"])]
    status: Annotated[int | None, Field(description="Of its answer; null if there was none.")]
    milliseconds: Count
    detail: str


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """Attempts at a channel since a moment, and how long those took that it accepted."""

    since: Annotated[
        Time,
        Field(description=f"A day ago, or when the site's newest {WINDOW:,} attempts began, if that is later."),
    ]
    accepted: Count
    failed: Count
    per_hour: Annotated[float, Field(description="Attempts.")]
    median: _Milliseconds
    p95: _Milliseconds
    p99: _Milliseconds
    errors: Annotated[
        tuple[FailedAttempt, ...], Field(description=f"The newest that failed, at most {MOST_ERRORS}, the last first.")
    ]


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
        errors=tuple(_failed(one) for one in failed[:MOST_ERRORS]),
    )


def _failed(one: AttemptAt) -> FailedAttempt:
    return FailedAttempt(one.delivery, one.article, one.at, one.outcome, one.status, one.milliseconds, one.detail)


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that at least so many percent of the values do not exceed (nearest rank)."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else None
