"""The guard against server-side request forgery: it decides which addresses a connection may go to.

A name is resolved once, and the connection goes to one of the resolved addresses, so that DNS rebinding has no effect.
SFTP and SMTP use the guard directly.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import PermanentError, TransientError
from pipeline.http.addresses import IPAddress, Network, public, unwrapped


@dataclass(frozen=True)
class Endpoint:
    """A checked address to connect to. `sockaddr` is the argument of `socket.connect` for `family`."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def address(self) -> IPAddress:
        return ipaddress.ip_address(str(self.sockaddr[0]))


@dataclass(frozen=True)
class EgressGuard:
    """Allow public unicast addresses, and the networks in `allow`."""

    allow: Sequence[Network] = ()

    def permits(self, address: IPAddress) -> bool:
        """Return whether the address may be reached. One that embeds another (6to4) is judged by the latter."""
        inner = unwrapped(address)
        return public(inner) or any(one in network for network in self.allow for one in (address, inner))

    def resolve(self, host: str, port: int, *, timeout: float = 5.0) -> list[Endpoint]:
        """Return the addresses of `host` (a name, or an IP address without brackets) that may be reached; never empty.

        If a name has public and private addresses, only the public ones are returned. `timeout` is in seconds.
        Raises TransientError (`name-not-resolved`, `timeout`) and PermanentError (`egress-refused`).
        """
        found = _lookup(host, port, timeout)
        checked = [endpoint for endpoint in found if self.permits(endpoint.address)]
        if not checked:
            raise PermanentError(
                f"{host} may not be reached: {', '.join(sorted({str(e.address) for e in found}))} is not a public "
                "address (if this is intended, allow its network with CITEWIRE_EGRESS_ALLOW)",
                code="egress-refused",
            )
        return checked

    def connect(
        self, host: str, port: int, *, timeout: float = 5.0, make: Callable[[int], socket.socket] = socket.socket
    ) -> socket.socket:
        """Return a connected TCP socket made by `make(family)`; `timeout` covers look-up and all attempts.

        Raises the same errors as `resolve`, and TransientError (`connection-failed`, `timeout`).
        """
        deadline = time.monotonic() + timeout
        endpoints = self.resolve(host, port, timeout=timeout)
        for left, endpoint in zip(range(len(endpoints), 0, -1), endpoints, strict=True):
            # Each address gets an equal share, so that an unresponsive one leaves time for the next.
            share = (deadline - time.monotonic()) / left
            try:
                return _connected(make(endpoint.family), endpoint, share)
            except OSError as error:
                failure = error
        code = "timeout" if isinstance(failure, TimeoutError) else "connection-failed"
        detail = failure.strerror or "no connection in time"
        raise TransientError(f"{host} port {port}: {detail}", code=code) from failure


# For what the operator chose himself, which may be private.
ANYWHERE = EgressGuard([ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")])


def _connected(sock: socket.socket, endpoint: Endpoint, timeout: float) -> socket.socket:
    try:
        sock.settimeout(max(timeout, 0.001))  # 0 would make the socket non-blocking
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(endpoint.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def _lookup(host: str, port: int, timeout: float) -> list[Endpoint]:
    """Look up a name, in a thread that is abandoned on timeout because `getaddrinfo` cannot be interrupted."""
    answer: queue.SimpleQueue[list[Endpoint] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(Endpoint(family, sockaddr) for family, _, _, _, sockaddr in infos)))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    try:
        ipaddress.ip_address(host)
        ask()
    except ValueError:
        threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=max(timeout, 0.001))
    except queue.Empty:
        raise TransientError(f"{host}: the name was not resolved in time", code="timeout") from None
    if isinstance(found, UnicodeError):
        raise PermanentError(f"{host!r} is not a host name", code="invalid-url") from found
    if isinstance(found, OSError):
        raise TransientError(f"{host}: {found.strerror}", code="name-not-resolved") from found
    return found
