"""Which addresses count as public."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.http import EgressGuard

NOBODY_ELSE = EgressGuard()


def not_mapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not (address.version == 6 and address.ipv4_mapped)


REFUSED = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
]

PERMITTED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "223.255.255.255",
    "130.14.29.110",
    "2607:f220:41e:4290::110",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not NOBODY_ELSE.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PERMITTED)
def test_a_public_address_is_let_through(address: str) -> None:
    assert NOBODY_ELSE.permits(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6).filter(not_mapped))
def test_whatever_python_calls_private_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    special = (
        address.is_private,
        address.is_loopback,
        address.is_link_local,
        address.is_multicast,
        address.is_unspecified,
        address.is_reserved and address not in ipaddress.ip_network("64:ff9b::/96"),
    )
    if any(special):
        assert not NOBODY_ELSE.permits(address)


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_judged_as_the_one_within(inner: ipaddress.IPv4Address) -> None:
    for wrapped in (
        ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + inner.packed),
        ipaddress.IPv6Address(ipaddress.IPv6Address("64:ff9b::").packed[:12] + inner.packed),
        ipaddress.IPv6Address(b"\x20\x02" + inner.packed + b"\0" * 10),
    ):
        assert NOBODY_ELSE.permits(wrapped) == NOBODY_ELSE.permits(inner)


def test_an_allowed_network_is_let_through_also_when_wrapped() -> None:
    guard = EgressGuard([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/8")])
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd00::1"):
        assert guard.permits(ipaddress.ip_address(address))
    for address in ("10.0.0.1", "::1", "fe80::1", "169.254.169.254"):
        assert not guard.permits(ipaddress.ip_address(address))
