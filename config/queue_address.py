"""The address of the queue: a Redis or Valkey, by itself or behind Sentinels, with or without TLS.

    redis://queue.example.org:6379/0                  a server, and the number of its database
    rediss://queue.example.org:6379/0                 the same over TLS
    sentinel://one:26379,two:26379,three:26379/name   the master that these Sentinels know by that name
    sentinels://one:26379,two:26379,three:26379/name  the same, with TLS to the Sentinels and to the master
    redis+socket:///run/valkey.sock                   a Unix socket; `unix://` is the same

Options follow after `?`, so that one address says everything, wherever it is given:

    password, sentinel_password     `env:NAME` or `file:/path`, never the password itself
    sentinel_username
    ca_file                         PEM: who may have signed the certificates, beside those that the system trusts
    cert_file, key_file             PEM: our own certificate, where the server asks for one
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pipeline.secret import SecretRef

_SERVERS, _SENTINELS, _SOCKETS = ("redis", "rediss"), ("sentinel", "sentinels"), ("redis+socket", "unix")
SCHEMES = (*_SERVERS, *_SENTINELS, *_SOCKETS)
_OVER_TLS = ("rediss", "sentinels")
_FILES = ("ca_file", "cert_file", "key_file")
_OF_SENTINELS = ("sentinel_username", "sentinel_password")
_PORT, _SENTINEL_PORT = 6379, 26379
_MOST_HOSTS = 32

_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_DATABASE = re.compile(r"[0-9]{1,4}")
_MASTER = re.compile(r"[A-Za-z0-9._-]{1,100}")  # what Sentinel allows

Host = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class QueueAddress:
    """Where the queue is. Its `repr` shows no secret."""

    hosts: tuple[Host, ...] = ()  # the server, or the Sentinels; empty: a socket
    socket: str | None = None
    master: str | None = None  # the name by which the Sentinels know the servers
    database: int = 0
    over_tls: bool = False
    username: str | None = None
    password: str | SecretRef | None = field(default=None, repr=False)
    sentinel_username: str | None = None
    sentinel_password: SecretRef | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


def queue_address(text: str) -> QueueAddress:
    """Read an address. Raises ValueError in words that follow the setting's name, and never quote the address."""
    try:
        parts = urlsplit(text)
    except ValueError:  # such as a bracket without its partner
        raise ValueError("is not a Redis URL") from None
    if parts.scheme not in SCHEMES:
        begins = ", ".join(f"{one}://" for one in ("redis", "rediss", "sentinel"))
        raise ValueError(f"is not a Redis URL: it must begin with {begins} …")
    if parts.fragment or not text.isprintable():
        raise ValueError("is not a Redis URL: write special characters of a password as %23 and the like")
    user, _, hosts = parts.netloc.rpartition("@")
    username, _, password = (unquote(one) for one in user.partition(":"))
    options = _options(parts.query, parts.scheme)
    if password and "password" in options:
        raise ValueError("gives the password twice")
    found: dict[str, Any] = {
        "over_tls": parts.scheme in _OVER_TLS,
        "username": username or None,
        "password": SecretRef.parse(options.pop("password")) if "password" in options else password or None,
    }
    if "sentinel_password" in options:
        found["sentinel_password"] = SecretRef.parse(options.pop("sentinel_password"))
    return QueueAddress(**found, **options, **_where(parts.scheme, hosts, unquote(parts.path)))


def _where(scheme: str, hosts: str, path: str) -> dict[str, Any]:
    if scheme in _SOCKETS:
        if hosts or len(path) < 2:
            raise ValueError("names no socket: write redis+socket:///run/valkey.sock")
        return {"socket": path}
    if scheme in _SENTINELS:
        master, _, database = path.removeprefix("/").partition("/")
        if not _MASTER.fullmatch(master):
            raise ValueError("names no master: write sentinel://host:26379,host2:26379/NAME, as the Sentinels call it")
        found = tuple(_host(one, _SENTINEL_PORT) for one in hosts.split(",", _MOST_HOSTS))
        return {"hosts": found, "master": master, "database": _number(database)}
    return {"hosts": (_host(hosts, _PORT),), "database": _number(path.removeprefix("/"))}


def _host(text: str, port: int) -> Host:
    found = _HOST.fullmatch(text)
    number = int(found["port"] or port) if found else 0
    if not found or not 0 < number < 65_536:
        raise ValueError("is not a Redis URL: write host:port, and several only after sentinel://")
    return found["v6"] or found["name"], number


def _number(text: str) -> int:
    if text and not _DATABASE.fullmatch(text):
        raise ValueError("names a database that is not a number")
    return int(text or 0)


def _options(query: str, scheme: str) -> dict[str, Any]:
    """Return what follows after `?`. What is not known is not quoted: it may be the rest of a password."""
    found = dict(parse_qsl(query, keep_blank_values=True))
    known = {"password"}
    if scheme in _OVER_TLS:
        known.update(_FILES)
    elif any(name in found for name in _FILES):
        raise ValueError("has files for TLS, and no TLS: write rediss:// or sentinels://")
    if scheme in _SENTINELS:
        known.update(_OF_SENTINELS)
    if unknown := set(found) - known:
        raise ValueError(f"has {len(unknown)} unknown option(s): it may have {', '.join(sorted(known))}")
    if any(not value for value in found.values()):
        raise ValueError("has an option without a value")
    if ("cert_file" in found) != ("key_file" in found):
        raise ValueError("needs both cert_file and key_file, or neither")
    if any(not found[name].startswith("/") for name in _FILES if name in found):
        raise ValueError("must name its files by their whole path: /etc/…")
    return found
