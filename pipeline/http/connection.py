"""urllib3's connections, made to go only where the guard lets them and to end when their time is up."""

from __future__ import annotations

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

# Common servers close an idle connection after five seconds. Closing ours first means that a request hardly
# ever meets a connection that is just being closed, so that no request needs to be sent again in secret.
_IDLE = 4.0  # seconds

CA_FILE = DEFAULT_CA_BUNDLE_PATH  # Mozilla's certificate authorities, as requests ships them (PEM)


class Gate:
    """What the connections of one session obey: the guard, and the limits of the request in hand."""

    def __init__(self, guard: EgressGuard) -> None:
        self.guard = guard
        self.connect = 0.0  # seconds
        self.read = 0.0  # seconds between two bytes
        self.deadline = 0.0  # by time.monotonic()

    def left(self, most: float = math.inf) -> float:
        """Seconds that a step may take: `most`, or what is left of the whole. Raises TimeoutError when nothing is."""
        seconds = min(most, self.deadline - time.monotonic())
        if seconds <= 0:
            raise TimeoutError("the whole time is used up")
        return seconds


class _Timed(socket.socket):
    """A socket whose every step looks at the deadline: a peer that drips a byte a second is cut as one that hangs.

    A timeout on each step alone would let it drip for ever.
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
    """The same over TLS. `ssl` bounds the handshake by one timeout for all its steps."""


class _Guarded(HTTPConnection):
    """The socket goes to a checked address; Host header, SNI and the certificate's check keep the name."""

    gate: Gate
    used = 0.0  # by time.monotonic()

    def _new_conn(self) -> socket.socket:
        gate = self.gate
        host = self._dns_host.strip("[]")
        sock = gate.guard.connect(host, self.port or 0, timeout=gate.left(gate.connect), make=_Timed)
        try:
            sock.settimeout(gate.left(gate.read))  # for the handshake
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
    """One connection for each host, for the one thread that uses it."""

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
    """Who we are to a server that asks for a client certificate, and whom we believe: files in PEM.

    `key`: None where it stands in the certificate's file. It must not be encrypted: nobody is there to be asked.
    `authorities`: what the server's certificate is checked against; None for what `Http` trusts anyway.
    """

    certificate: Path
    key: Path | None = None
    authorities: Path | None = None


def tls_context(ca_file: str, client_certificate: ClientCertificate | None = None) -> ssl.SSLContext:
    """A context that checks names and certificates against `ca_file` (PEM), and whose sockets look at the deadline.

    Raises OSError (ssl.SSLError is one) and ValueError for files that hold no certificate and its key.
    """
    context = ssl.create_default_context(cafile=str((client_certificate and client_certificate.authorities) or ca_file))
    context.sslsocket_class = _TimedTLS
    if client_certificate:
        # Without a password of ours OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(client_certificate.certificate, client_certificate.key, password=lambda: "")
    return context
