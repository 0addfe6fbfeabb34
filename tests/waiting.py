"""Waiting for what other threads and processes do: the bound is for a machine that hangs, not for one that is slow."""

from __future__ import annotations

import socket
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


def head_of(client: socket.socket) -> bytes:
    """Read an answer's head, in as many pieces as it comes."""
    client.settimeout(PATIENCE)
    got = b""
    while not got.endswith(b"\r\n\r\n") and (more := client.recv(1)):
        got += more
    return got
