"""When to try again: a pure function of what was tried and what the other side asked for."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_WISH = 24 * 3600.0  # seconds: a Retry-After beyond a day is taken for a day

# Seconds after the first, second, … failed attempt: about 45 hours in all.
DEFAULT_SCHEDULE = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0)


def next_delay(
    attempt: int, schedule: Sequence[float], *, jitter: float, retry_after: float | None = None
) -> float | None:
    """Seconds from the `attempt`-th failure (from 1) to the next attempt; None: the schedule is used up.

    `jitter` (0 to under 1, the caller's random number) spreads the delay evenly from half the step to one and a
    half. That is as wide as full jitter (0 to one step), so a crowd that failed together comes back apart; but its
    mean is the step, so the schedule promises what it says, and a partner in trouble is never asked again at once.
    `retry_after` (seconds) is honoured as the earliest moment, up to a day.
    """
    if attempt < 1 or not 0 <= jitter < 1:
        raise ValueError("attempts count from 1, and jitter is at least 0 and under 1")
    if attempt > len(schedule):
        return None
    spread = schedule[attempt - 1] * (0.5 + jitter)
    return max(spread, min(retry_after or 0.0, LONGEST_WISH))
