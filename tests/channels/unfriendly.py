"""Listeners that do not speak the expected protocol."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from listeners import hang_up


@contextmanager
def listening(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A port on which `talk` has each connection, until the event."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            talk(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        hang_up(listener)


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def cutting(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(10)


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """The start of an SSH server's greeting, a byte at a time: never a line's end."""
    connection.sendall(b"SSH-2.0-")
    while not over.wait(0.02):
        connection.sendall(b"x")


def talking_nonsense(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"\x16\x03\x01\x00\xff this is no protocol of ours\r\n" * 50)
    over.wait(30)
