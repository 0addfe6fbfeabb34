"""Addresses as JSON schemas and Apple require them: IRIs (RFC 3987) in the characters of URIs (RFC 3986)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from pipeline.renditions.parts.text import clean

_SEGMENT = "-._~!$&'()*+,;=:@/%"  # RFC 3986, section 3.3: what a path may hold beside letters and digits
_HOST = "-._~!$&'()*+,;=%"  # section 3.2.2, reg-name
_REMEMBERED = 500  # characters of the longest address that is remembered
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def uri(iri: str) -> str:
    """Return the address as a URI (RFC 3987, section 3.1): other characters percent-encoded, the host in IDNA.

    A URI is returned unchanged; an address that cannot be parsed is encoded as far as possible.
    """
    return _known(iri) if len(iri) <= _REMEMBERED else _uri(iri)


@lru_cache(maxsize=4096)
def _known(iri: str) -> str:
    """Do as `uri`: every format of an article has the same addresses, and those of the site and of sources recur."""
    return _uri(iri)


def _uri(iri: str) -> str:
    iri = clean(iri).strip()
    try:
        parts = urlsplit(iri)
        authority = _authority(parts.netloc, parts.hostname, parts.port)
    except ValueError:  # a bracket without its mate, a port that is no number
        scheme, _, rest = iri.partition("://")
        return f"{scheme}://{_encoded(rest.replace(':', '%3A'), _SEGMENT)}"
    scheme = iri[: len(parts.scheme)] + ":"
    query = f"?{_encoded(parts.query, _SEGMENT + '?')}" if parts.query else ""
    fragment = f"#{_encoded(parts.fragment, _SEGMENT + '?')}" if parts.fragment else ""
    return f"{scheme}{'//' + authority if authority else ''}{_encoded(parts.path, _SEGMENT)}{query}{fragment}"


def address(value: str | None) -> str | None:
    """Return an absolute http(s) or mailto address as a URI, or None for any other text."""
    return uri(value) if value and clean(value).lower().startswith(("https://", "http://", "mailto:")) else None


def _authority(netloc: str, host: str | None, port: int | None) -> str:
    user, at, rest = netloc.rpartition("@")
    if rest.startswith("["):
        ipaddress.IPv6Address(host or "")  # ValueError otherwise
        return f"{_encoded(user, _HOST + ':')}{at}{rest}"
    name = rest.partition(":")[0]
    number = "" if port is None else f":{port}"
    return f"{_encoded(user, _HOST + ':')}{at}{_encoded(_idna(name), _HOST)}{number}"


def _idna(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:  # a label that is too long, a character that IDNA does not take
        return name


def _encoded(text: str, safe: str) -> str:
    return _LONE_PERCENT.sub("%25", quote(text, safe=safe))
