"""Ports for servers that are started by number, and waiting for those servers."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from waiting import until

_FIRST = 10_240
_reserved: list[socket.socket] = []  # for as long as this process runs


def free_port() -> int:
    """Reserve a port that the kernel gives to nobody who asks for just any, and that no other test gets.

    A port that was bound and closed again can be taken by any connection before its server starts.
    """
    chance, end = random.SystemRandom(), _ephemeral()
    while True:
        port = chance.randrange(_FIRST, end)
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0citewire-test-port-{port}")
            with socket.create_server(("127.0.0.1", port)):
                pass
        except OSError:
            mark.close()
            continue
        _reserved.append(mark)
        return port


def _ephemeral() -> int:
    """Return the first of the ports that connections are made from."""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def answering(port: int, process: subprocess.Popen[bytes] | subprocess.Popen[str], tail: Callable[[], str]) -> None:
    """Wait until the process takes connections. `tail`: what to say of it if it does not."""

    def connects() -> bool:
        assert process.poll() is None, f"it ended with {process.returncode}: {tail()}"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
            return True
        return False

    until(connects, what=tail)
