"""Memory that starting has taken and a process no longer needs, given back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def give_back() -> None:
    """Give back what is free, which glibc keeps for allocations to come (malloc_trim(3)).

    What is in use is not looked at for garbage any more: it is needed until the process ends.
    """
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
