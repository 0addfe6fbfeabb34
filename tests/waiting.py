"""Waiting for what other threads and processes do: the bound is for a machine that hangs, not for one that is slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0  # seconds


def until(found: Callable[[], Any], within: float = PATIENCE, *, what: Callable[[], str] = lambda: "it") -> Any:
    """Return the first truthy answer. Fails after `within` seconds with the words of `what`."""
    give_up = time.monotonic() + within
    while not (answer := found()):
        assert time.monotonic() < give_up, f"not within {within:g} s: {what()}"
        time.sleep(0.02)
    return answer
