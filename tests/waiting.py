"""Waiting for what other threads and processes do: the bound is for a machine that hangs, not for one that is slow."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0  # seconds


def until(found: Callable[[], Any], within: float = PATIENCE, *, what: Callable[[], str] = lambda: "it") -> Any:
    """Return the first truthy answer. Fails after `within` seconds with the words of `what`.

    What looks into something that is not there yet (the first delivery of an article that has none) is asked again too.
    """
    give_up = time.monotonic() + within
    while True:
        absent = None
        try:
            if answer := found():
                return answer
        except LookupError as error:
            absent = error
        if time.monotonic() >= give_up:
            raise AssertionError(f"not within {within:g} s: {what()}") from absent
        time.sleep(0.02)


def head_of(client: socket.socket) -> bytes:
    """Read an answer's head, in as many pieces as it comes."""
    client.settimeout(PATIENCE)
    got = b""
    while not got.endswith(b"\r\n\r\n") and (more := client.recv(1)):
        got += more
    return got
