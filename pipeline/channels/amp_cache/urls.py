"""The addresses of pages in AMP caches (amp.dev, "AMP Cache URL Format and Request Handling")."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from urllib.parse import quote, urlsplit

_LABEL = 63  # bytes, at most (RFC 1035, section 2.3.4)
_IN_PATH = "/%:@!$&'()*+,;=~-._"  # not percent-encoded; the signature covers the exact bytes of the address
_IN_QUERY = _IN_PATH + "?"


def subdomain(host: str) -> str:
    """Return the label under which a cache keeps all documents of `host` (in its ASCII form).

    It is readable if possible (`notes-example-org` for `notes.example.org`), and otherwise a 52-character hash.
    """
    return _readable(host) or _hashed(host)


def document_path(address: str) -> str:
    """Return the path of a document in a cache: `/c/s/` for https (`/c/` for http), then host, path and query.

    Raises ValueError if the address is not an absolute http or https address.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an absolute address")
    port = f":{parts.port}" if parts.port else ""
    query = f"?{quote(parts.query, safe=_IN_QUERY)}" if parts.query else ""
    secure = "s/" if parts.scheme == "https" else ""
    return f"/c/{secure}{ascii_host(parts.hostname)}{port}{quote(parts.path or '/', safe=_IN_PATH)}{query}"


def ascii_host(host: str) -> str:
    """Return the host name in ASCII (IDNA). Raises ValueError if it is not valid."""
    return host if host.isascii() else host.encode("idna").decode()


def _readable(host: str) -> str | None:
    try:
        name = host.encode().decode("idna")
    except UnicodeError:
        name = host
    if "." not in name or _both_directions(name):
        return None
    label = name.replace("-", "--").replace(".", "-")
    if label[2:4] == "--":  # so that it cannot be mistaken for Punycode
        label = f"0-{label}-0"
    if not label.isascii():
        label = "xn--" + label.encode("punycode").decode()
    return label.lower() if len(label) <= _LABEL else None


def _hashed(host: str) -> str:
    return base64.b32encode(hashlib.sha256(host.encode()).digest()).decode().rstrip("=").lower()


def _both_directions(name: str) -> bool:
    kinds = {unicodedata.bidirectional(character) for character in name}
    return bool(kinds & {"L"}) and bool(kinds & {"R", "AL"})
