"""What a connection and a client may take of the web server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

import structlog
from uvicorn.server import ServerState

from pipeline.web.clients import client_of

_log = structlog.get_logger()


@dataclass(frozen=True)
class Limits:
    """Sizes are in bytes, times in seconds."""

    head_bytes: int = 32_768  # the request line and all header fields
    head_fields: int = 100
    head_seconds: float = 10.0  # for the whole head, from its first byte or from the beginning of the connection
    body_bytes: int = 16_777_216  # more than any route takes: what arrives after its refusal is not read for ever
    body_seconds: float = 20.0  # for the whole body, and a second more for each `body_rate` bytes that have arrived
    body_rate: int = 16_384
    write_seconds: float = 30.0  # in which a client must take some of what waits for it
    queued: int = 16  # requests that a client may send before the first is answered
    connections: int = 1_000
    connections_of_client: int = 256
    trusted_proxies: Collection[IPv4Network | IPv6Network] = ()  # the connections of these are not counted for a client

    def trusts(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.trusted_proxies)


class Shared(ServerState):
    """What the connections of one server share."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits
        self.of_client: Counter[str] = Counter()
        self.noticed = False

    def admit(self, peer: tuple[str, int] | None) -> str | None:
        """Count a connection and return whose it is: "" if it is counted for no client, None if that has too many."""
        if peer is None or self.limits.trusts(peer[0]):
            return ""
        client = client_of(peer[0])
        if self.of_client[client] >= self.limits.connections_of_client:
            return None
        self.of_client[client] += 1
        return client

    def leave(self, client: str | None) -> None:
        if client:
            self.of_client[client] -= 1
            if not self.of_client[client]:
                del self.of_client[client]

    def notice(self, peer: tuple[str, int] | None, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Log once that a proxy beside us is not trusted: its connections are counted, as those of one client."""
        if self.noticed or peer is None or not ip_address(peer[0]).is_private:
            return
        if any(name == b"x-forwarded-for" for name, _ in headers):
            self.noticed = True
            hint = "add its address to web.trusted_proxies if it is a proxy of yours"
            _log.warning("a proxy is not trusted: its clients count as one", address=peer[0], hint=hint)


def now() -> float:
    return asyncio.get_running_loop().time()
