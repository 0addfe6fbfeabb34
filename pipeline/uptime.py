"""The time since the host started, which no setting of a clock changes."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from functools import cache
from pathlib import Path

_NOTICED = 2.0  # seconds; less is what it takes to start a thread


def uptime() -> float:
    """Return the seconds since the host started, including those that it slept."""
    return _clock() - _shifted()


def _clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@cache
def _shifted() -> float:
    """Return by how much this process is shown another uptime than the kernel's, as under libfaketime."""
    started: list[float] = []

    def read() -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path("/proc/thread-self/stat").read_text().rpartition(")")[2].split()
            started.append(int(fields[19]) / os.sysconf("SC_CLK_TCK"))  # `starttime` in proc_pid_stat(5)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    shifted = _clock() - started[0] if started and started[0] else 0.0
    return shifted if abs(shifted) > _NOTICED else 0.0
