"""When to try again: every back-off of the program, as pure functions and named schedules, all in seconds."""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST = 1.0  # between two attempts
SWEEP_EVERY = 1.0  # between two sweeps of the ledger
LONGEST_WISH = 24 * 3600.0  # a Retry-After of more than a day counts as a day

# The longest pause after each failed attempt at a delivery: 45 hours in all, about half of that on average.
DEFAULT_SCHEDULE = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0)

# In the schedules below the last pause repeats, unless noted otherwise.
NCBI = (1.0, 2.0, 4.0, 8.0, 10.0)  # after consecutive failures of one of NCBI's services
SOURCE = (60.0, 300.0, 900.0, 3600.0, 10_800.0, 21_600.0)  # after consecutive failures of a source beside PubMed
REFUSED = (60.0, 300.0, 900.0, 3600.0, 7200.0, 14400.0)  # after consecutive refusals, which a person has to end
CIRCUIT = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)  # pauses of a channel, by failures since its circuit opened
PROOF = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)  # after each check for an article that was withdrawn
HUB_VERIFICATION = (5.0, 30.0)  # a callback that did not answer is asked again after each of these, then given up


def repeating(schedule: Sequence[float], failures: int) -> float:
    """Return the pause after this many earlier failures; the schedule's last pause repeats."""
    return schedule[min(failures, len(schedule) - 1)]


def doubling(failures: int, *, first: float, most: float) -> float:
    """Return the pause after this many earlier failures: `first`, then twice as long each time, up to `most`."""
    return min(first * 2.0 ** min(failures, 64), most)


def unforeseen(failures: int) -> float:
    """Return the pause after an unexpected error: 2, 4, 8 … seconds, up to five minutes."""
    return doubling(failures, first=2.0, most=300.0)


def next_delay(
    attempt: int, schedule: Sequence[float], *, jitter: float, retry_after: float | None = None
) -> float | None:
    """Return the seconds from the `attempt`-th failure (from 1) to the next attempt; None when the schedule is used up.

    Full jitter: `jitter` (0 to under 1, the caller's random number) spreads the delay evenly over the whole step, so
    that receivers that failed together are not all called again together. The delay is at least `SHORTEST`, or the step
    if that is shorter, so that a partner in trouble is not called again at once. A step is therefore the longest delay,
    and half of it the average. `retry_after` (seconds) is honoured as the earliest time, up to a day.
    """
    if attempt < 1 or not 0 <= jitter < 1:
        raise ValueError("attempts count from 1, and jitter is at least 0 and under 1")
    if attempt > len(schedule):
        return None
    step = schedule[attempt - 1]
    shortest = min(step, SHORTEST)
    spread = shortest + (step - shortest) * jitter
    return max(spread, min(retry_after or 0.0, LONGEST_WISH))
