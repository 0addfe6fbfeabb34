"""Validation of the web addresses that Citewire may be configured or asked to call."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit


def web_address(text: str) -> SplitResult:
    """Return the parts of an absolute http or https address without credentials.

    Raises ValueError with a message to follow the name of the setting or field. It quotes no part of the address,
    which may contain a password.
    """
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  raises if the port is not a number
    except ValueError:
        raise ValueError("cannot be parsed as an address") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("must start with https:// or http://")
    if not parts.hostname:
        raise ValueError("must name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        raise ValueError("must not contain white space, control characters or backslashes")
    return parts


def crosses_in_plain_text(address: str) -> bool:
    """Return whether a request to this web address leaves the machine without TLS."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return False
    try:
        return not ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname != "localhost"
