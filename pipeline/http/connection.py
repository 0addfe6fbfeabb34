"""urllib3 connections that go only where the egress guard allows and that respect a total deadline."""

from __future__ import annotations

import functools
import math
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from pipeline.http.egress import EgressGuard

# Many servers close an idle connection after five seconds. Closing it first makes it rare for a request to be sent
# on a connection that is being closed, so that silent retries are not needed.
_IDLE = 4.0  # seconds

_TOGETHER = 128 * 1024  # most bytes that are held back, and copied, to be sent in one piece

CA_FILE = DEFAULT_CA_BUNDLE_PATH  # Mozilla's certificate authorities, as shipped with requests (PEM)


class Gate:
    """The guard that a thread's connections go through, and the limits of the request being sent."""

    def __init__(self, guard: EgressGuard) -> None:
        self.guard = guard
        self.connect = 0.0  # seconds
        self.read = 0.0  # seconds between two bytes
        self.deadline = 0.0  # by time.monotonic()

    def left(self, most: float = math.inf) -> float:
        """Return the seconds that a step may take: `most`, or less if the deadline is closer. Raises TimeoutError."""
        seconds = min(most, self.deadline - time.monotonic())
        if seconds <= 0:
            raise TimeoutError("the deadline has passed")
        return seconds


class _Timed(socket.socket):
    """A socket that checks the deadline at every step.

    With only a timeout per step, a peer could send a byte a second forever.
    """

    gate: Gate | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.gate:
            self.settimeout(self.gate.left(self.gate.read))
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        if self.gate:
            self.settimeout(self.gate.left(self.gate.read))
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        if self.gate:
            self.settimeout(self.gate.left())
        super().sendall(*args, **kwargs)


class _TimedTLS(_Timed, ssl.SSLSocket):
    """The same over TLS. `ssl` applies the socket's timeout to the handshake as a whole."""


class _Guarded(HTTPConnection):
    """A connection to a checked address. The Host header, SNI and certificate verification still use the name."""

    gate: Gate
    used = 0.0  # by time.monotonic()
    _held: bytearray | None = None  # what is sent together, while a request is put together

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, its headers and a body that is not large in one piece.

        Otherwise they are two packets, since nothing is held back (TCP_NODELAY), and the receiver is woken twice.
        """
        self._held = bytearray()
        try:
            super().request(*args, **kwargs)
            self._send_held()
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        if self._held is not None and isinstance(data, bytes) and len(self._held) + len(data) <= _TOGETHER:
            self._held += data
        else:
            self._send_held()
            super().send(data)

    def _send_held(self) -> None:
        held, self._held = self._held, None
        if held:
            super().send(held)

    def _new_conn(self) -> socket.socket:
        gate = self.gate
        host = self._dns_host.strip("[]")
        sock = gate.guard.connect(host, self.port or 0, timeout=gate.left(gate.connect), make=_Timed)
        try:
            sock.settimeout(gate.left(gate.read))  # for the TLS handshake
        except TimeoutError:
            sock.close()
            raise
        return sock

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, _Timed):
            self.sock.gate = self.gate

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self.used < _IDLE

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        response = super().getresponse()
        self.used = time.monotonic()
        return response


class _GuardedTLS(_Guarded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded
    gate: Gate

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        assert isinstance(connection, _Guarded)
        connection.gate = self.gate
        return connection


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class GuardedPools(PoolManager):
    """One connection per host, used by a single thread."""

    def __init__(self, gate: Gate, tls: ssl.SSLContext) -> None:
        super().__init__(32, maxsize=1, block=False, ssl_context=tls)
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        self._gate = gate

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        assert isinstance(pool, _Pool)
        pool.gate = self._gate
        return pool


@dataclass(frozen=True)
class ClientCertificate:
    """A client certificate for mutual TLS, as paths of PEM files.

    `key`: None if the certificate's file also contains it. It must be unencrypted, since no one can be prompted.
    `authorities`: what to verify the server's certificate against; the client's default if None.
    """

    certificate: Path
    key: Path | None = None
    authorities: Path | None = None


def tls_context(ca_file: str, client_certificate: ClientCertificate | None = None) -> ssl.SSLContext:
    """Return a context that verifies certificates against `ca_file` (PEM) and whose sockets check the deadline.

    Raises OSError (which includes ssl.SSLError) or ValueError if the files do not hold a certificate and its key.
    """
    context = ssl.create_default_context(cafile=str((client_certificate and client_certificate.authorities) or ca_file))
    context.sslsocket_class = _TimedTLS
    if client_certificate:
        # Without this OpenSSL would prompt for a password on the terminal and block.
        context.load_cert_chain(client_certificate.certificate, client_certificate.key, password=lambda: "")
    return context


@functools.cache
def usual_tls_context() -> ssl.SSLContext:
    """Return the context that trusts `CA_FILE`, one for all clients: reading the authorities takes 25 ms of CPU."""
    return tls_context(CA_FILE)
