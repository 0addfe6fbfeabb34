"""What is left to the garbage collector is named with the test that left it."""

from __future__ import annotations

import socket

import leaks


class Knot:
    """In a cycle, so that only the collector finds it."""

    def __init__(self, held: socket.socket) -> None:
        self.held, self.itself = held, self


def test_a_socket_that_nobody_closed_is_named_with_where_it_was_made() -> None:
    Knot(socket.create_server(("127.0.0.1", 0)))
    (found,) = leaks.left_behind()
    assert "unclosed <socket.socket" in found
    assert "test_a_socket_that_nobody_closed_is_named" in found
    assert __file__ in found


def test_what_was_closed_is_not_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Knot(listener)
    assert leaks.left_behind() == []
