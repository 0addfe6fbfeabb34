"""Who a client is, for shares and limits."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

UNKNOWN = "unknown"
_OF_ONE = 64  # bits of an IPv6 address that one customer of a network has in common (RFC 6177)


def client_of(host: str) -> str:
    """Return the address that identifies a client: an IPv4 address, or the /64 of an IPv6 address.

    A single client has the whole of its /64, and could otherwise be a new client with each request.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return UNKNOWN  # a proxy's word for a client that it does not name
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _OF_ONE), strict=False))


def client(request: Request) -> str:
    return client_of(request.client.host) if request.client else UNKNOWN
