"""Tell public unicast IP addresses from the rest, by IANA's special-purpose registries (RFC 6890 and its updates)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def _v4(networks: str) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(ipaddress.IPv4Network(network) for network in networks.split())


def _v6(networks: str) -> tuple[ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.IPv6Network(network) for network in networks.split())


# Spelled out because the networks that `ipaddress` calls private differ between patch releases of Python.
_V4_REFUSED = _v4(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    "168.63.129.16/32"  # Azure's metadata and DNS service: a public address that answers only inside Azure
)
_V6_GLOBAL = _v6("2000::/3")  # everything that IANA allocates as global unicast
_V6_REFUSED = _v6("2001::/23 2001:db8::/32 3fff::/20")  # 2001::/23 includes Teredo, whose far end cannot be checked
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


def public(address: IPAddress) -> bool:
    """Return whether the address belongs to a host on the public Internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not _within(address, _V4_REFUSED)
    return _within(address, _V6_GLOBAL) and not _within(address, _V6_REFUSED)


def unwrapped(address: IPAddress) -> IPAddress:
    """Return the IPv4 address embedded in `address` (IPv4-mapped, 6to4, NAT64), or else `address` itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _within(address: IPAddress, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
