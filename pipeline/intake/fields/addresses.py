"""Validate the URLs of an article: absolute http(s), and mailto in links, returned as plain ASCII."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.text import line

MAX_ADDRESS = 4096  # characters

_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?"
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z0-9_](?:[a-z0-9_-]{0,62})\.?|\[[0-9a-f:.]+\]")
_MAILTO = re.compile(r"mailto:[^\s<>\"\\]+@[^\s<>\"\\]+", re.IGNORECASE)


def web_address(value: object) -> str:
    """Return an absolute http(s) URL, percent-encoded. Raises InvalidValue for any other scheme or shape."""
    if not isinstance(value, str):
        raise InvalidValue(f"{quoted(value)} is not an address", hint="write an absolute address, https://…")
    text = line(value)
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https"):
        raise InvalidValue(f"{quoted(text)} is not an absolute web address", hint="begin it with https://")
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(f"{quoted(text)} holds a user name", hint="leave out what stands before the @")
    host = _host(parts)
    if host is None:
        raise InvalidValue(
            f"{quoted(text)} names no host that can be reached", hint="begin it with https:// and a host name"
        )
    return urlunsplit(
        (
            parts.scheme,
            host,
            _quoted(parts.path),
            _quoted(parts.query, _QUERY_SAFE),
            _quoted(parts.fragment, _QUERY_SAFE),
        )
    )


def link_address(value: str, base: str | None = None) -> str | None:
    """Return what a link in a body may point to: as `web_address`, or mailto:; None if the link cannot be kept.

    A relative URL is resolved against `base` if there is one; a bare fragment has no target here.
    """
    text = line(value)
    if _MAILTO.fullmatch(text) and len(text) <= MAX_ADDRESS:
        return "mailto:" + _quoted(text[7:], _QUERY_SAFE)
    if not text or text.startswith("#"):
        return None
    try:
        return web_address(urljoin(base, text) if base else text)
    except ValueError:
        return None


def _split(text: str) -> SplitResult | None:
    if len(text) > MAX_ADDRESS or " " in text or "\\" in text:
        return None
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  raises for a port that is no number
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult) -> str | None:
    name = parts.hostname or ""
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = f"[{name}]" if ":" in name else name
    if len(name) > 253 or not _HOST.fullmatch(name):
        return None
    return name if parts.port is None else f"{name}:{parts.port}"


def _quoted(part: str, safe: str = _PATH_SAFE) -> str:
    return quote(_BARE_PERCENT.sub("%25", part), safe=safe)
