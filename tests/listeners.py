"""A listener that a thread accepts on, and how to end that."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress


def hang_up(listener: socket.socket) -> None:
    """Close it and wake the thread that waits in `accept`, which would otherwise take one more connection."""
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield each connection until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        yield connection
