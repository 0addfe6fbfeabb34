"""How many cores this machine lends to this process, and how many pipeline processes that makes."""

from __future__ import annotations

import math
import os
from pathlib import Path

from config.settings import WorkerSettings

MOST = 4  # pipeline processes that "auto" makes: they write into one ledger, and each takes 30 to 100 MB
_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, cgroup v2: microseconds of CPU, and in how many of time


def usable(quota: Path = _QUOTA) -> int:
    """Return the cores that this process may run on, or fewer if its container may use less. At least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        used, period = quota.read_text().split()
        share = int(used) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # no container, no quota ("max"), another system
        return cores
    return max(1, min(cores, math.ceil(share)))


def pipeline_processes(workers: WorkerSettings) -> int:
    """Return the number of pipeline processes, which follows the cores if it is "auto"."""
    return min(MOST, usable()) if workers.pipeline_processes is None else workers.pipeline_processes
