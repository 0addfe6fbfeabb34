"""A channel's circuit breaker: open after consecutive failures, tried with one delivery, closed by an answer. Pure.

    closed ──three failures in a row──> open ──its rest is over──> half-open: one delivery ──answered──> closed
                                          └────────────failed, a longer rest────────┘

While it is open nothing is claimed, so that no delivery uses up its attempts. A refusal counts as an answer.
"""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from pipeline.errors import CitewireError, EndpointGone, PermanentError, TransientError
from pipeline.ledger.deliveries.channels import Health
from pipeline.timing import CIRCUIT, repeating

OPENS_AFTER = 3  # failures in a row; the first one is enough for a rest while a withdrawal is outstanding
LONGEST_REST = 3600.0  # seconds that a Retry-After may ask a whole channel to be left alone

_OUTAGE = dt.timedelta(seconds=15)
_FRESH = dt.timedelta(seconds=1)  # an answer younger than that is not written again
_RECENT = dt.timedelta(seconds=60)


def after(health: Health, error: CitewireError | None, *, urgent: bool, now: dt.datetime) -> Health:
    """Return the channel's health after an attempt that ended with `error`, or succeeded if None.

    `urgent` says that a withdrawal was sent.
    """
    if error is not None and not isinstance(error, PermanentError):
        failures = health.failures + 1
        pause = rest(failures, error, urgent=urgent)
        return structs.replace(
            health,
            failures=failures,
            paused_until=health.paused_until if pause is None else now + dt.timedelta(seconds=pause),
            reason=str(error),
            failing=health.failing or now,
            opened=health.opened or (now if failures >= OPENS_AFTER else None),
        )
    if isinstance(error, EndpointGone):
        health = structs.replace(health, disabled=now, reason=str(error))
    failing = None if error is None else health.failing or now
    well = health.failures == 0 and health.opened is None and health.paused_until is None
    if well and failing == health.failing and health.disabled is None and not is_stale(health, now):
        return health
    reason = None if health.disabled is None else health.reason
    return structs.replace(
        health, failures=0, paused_until=None, opened=None, failing=failing, answered=now, reason=reason
    )


def is_stale(health: Health, now: dt.datetime) -> bool:
    """Return whether another answer is worth writing down."""
    return health.answered is None or now - health.answered >= _FRESH


def rest(failures: int, error: CitewireError, *, urgent: bool) -> float | None:
    """Return how many seconds to leave the channel alone after its n-th failure in a row; None: not at all."""
    wish = min(error.retry_after or 0.0, LONGEST_REST) if isinstance(error, TransientError) else 0.0
    if failures < OPENS_AFTER and not urgent:
        return wish or None
    return max(repeating(CIRCUIT, max(failures - OPENS_AFTER, 0)), wish)


def has_recovered(before: Health, after: Health, now: dt.datetime) -> bool:
    """Return whether a channel accepts again after an outage, so that what failed there is worth trying.

    A failure that is soon followed by a success is no outage: the channel may refuse only that article.
    """
    if before.failing is None or after.failing is not None or after.disabled is not None:
        return False
    return now - before.failing >= _OUTAGE


def batches(health: Health, parallel: int, now: dt.datetime) -> int:
    """Return how many batches may be in flight: one, unless the channel answered lately and has not failed since.

    A channel that hangs therefore occupies only one thread, from the first article on.
    """
    answers = health.answered is not None and now - health.answered < _RECENT and health.failures == 0
    return parallel if answers else 1
