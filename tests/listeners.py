"""Closing a listener that a thread accepts on."""

from __future__ import annotations

import socket
from contextlib import suppress


def hang_up(listener: socket.socket) -> None:
    """Close it and wake the thread that waits in `accept`, which would otherwise take one more connection."""
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
