"""The one rule for addresses that we may be asked to call."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def web_address(text: str) -> SplitResult:
    """Return the parts of an absolute http or https address without credentials.

    Raises ValueError that says in words what is wrong, to be put after the name of what holds the address; it quotes
    nothing of it, for a password may stand there.
    """
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  raises for a port that is not a number
    except ValueError:
        raise ValueError("cannot be understood as an address") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("must start with https:// or http://")
    if not parts.hostname:
        raise ValueError("must name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user name or password")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        raise ValueError("must hold no white space, control character or backslash")
    return parts
