"""The time since the host started, which no setting of a clock changes."""

from __future__ import annotations

import time


def uptime() -> float:
    """Return the seconds since the host started, including those that it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
