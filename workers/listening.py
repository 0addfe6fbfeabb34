"""The web server's socket, bound before anything else starts."""

from __future__ import annotations

import socket

from pipeline.errors import ConfigError

_BACKLOG = 512


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ConfigError `port-taken`, or `invalid-host` if the host is not this machine."""
    try:
        (family, kind, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"{host!r} is not an address of this machine: {error.strerror}"
        raise ConfigError(message, key="host", code="invalid-host") from error
    web = socket.socket(family, kind)
    web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        web.bind(address)
    except OSError as error:
        web.close()
        hint = "stop what listens there, or give another --port (0: a free one)"
        message = f"port {port} at {host} cannot be used: {error.strerror}"
        raise ConfigError(message, key="port", hint=hint, code="port-taken") from error
    web.listen(_BACKLOG)
    return web
