"""The limit on the files that a process may have open, sockets included."""

from __future__ import annotations

import resource


def allow_most() -> float:
    """Raise this process's limit to the most that the system allows it, and return that; infinity if there is none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return float("inf") if hard == resource.RLIM_INFINITY else hard
