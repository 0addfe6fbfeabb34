"""When to try again: a pure function of what was tried and what the other side asked for."""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST = 1.0  # second between two attempts
LONGEST_WISH = 24 * 3600.0  # seconds: a Retry-After beyond a day is taken for a day

# Seconds at most after the first, second, … failed attempt: 45 hours in all, about half of that on average.
DEFAULT_SCHEDULE = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0)


def next_delay(
    attempt: int, schedule: Sequence[float], *, jitter: float, retry_after: float | None = None
) -> float | None:
    """Seconds from the `attempt`-th failure (from 1) to the next attempt; None: the schedule is used up.

    Full jitter: `jitter` (0 to under 1, the caller's random number) spreads the delay evenly over the whole step, so
    that a crowd which failed together comes back apart; but a partner in trouble is not asked again at once: the delay
    is at least `SHORTEST`, or the step where that is shorter. So a step says how long it takes at most, and half of
    that on average. `retry_after` (seconds) is honoured as the earliest moment, up to a day.
    """
    if attempt < 1 or not 0 <= jitter < 1:
        raise ValueError("attempts count from 1, and jitter is at least 0 and under 1")
    if attempt > len(schedule):
        return None
    step = schedule[attempt - 1]
    shortest = min(step, SHORTEST)
    spread = shortest + (step - shortest) * jitter
    return max(spread, min(retry_after or 0.0, LONGEST_WISH))
