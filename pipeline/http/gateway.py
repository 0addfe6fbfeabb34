"""A proxy on the loopback for libraries that open their own connections: what they reach, the guard has checked.

obstore resolves names, follows redirects and takes up proxies of the environment by itself, and its client has no
option against any of these. It has one for a proxy. Through this one it reaches a few hosts, at an address that the
guard has just resolved and checked: a redirect to anywhere else, and a name that resolves differently a moment later,
end here. TLS is between the library and the host.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import socket
import threading
from collections.abc import Container, Iterator
from typing import BinaryIO
from urllib.parse import urlsplit

from pipeline.errors import CitewireError
from pipeline.http.egress import EgressGuard

_HEAD = 65_536  # bytes of a request's head
_CHUNK = 65_536
_IDLE = 60.0  # seconds after which a connection on which nothing moves is closed
_LINGER = 5.0  # … once the client has ended

Target = tuple[str, int]  # a host in lower case, and a port


def target_of(address: str) -> Target:
    """Return what a connection for a web address leads to. Raises ValueError if its port is not a number."""
    parts = urlsplit(address)
    return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


class Gateway:
    """`hosts`: what may be reached; None is everything that the guard permits. Only who knows `url` may use it."""

    def __init__(self, guard: EgressGuard, hosts: Container[Target] | None, *, timeout: float = 5.0) -> None:
        self._guard, self._hosts, self._timeout = guard, hosts, timeout
        self._word = secrets.token_urlsafe(24)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._accept, name="gateway", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://citewire:{self._word}@127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            self._closed = True
            ended = [self._listener, *self._open]
        for one in ended:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="gateway", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), self._kept(client):
            self._relay(client)

    def _relay(self, client: socket.socket) -> None:
        client.settimeout(_IDLE)
        reader = client.makefile("rb")
        head = _head_of(reader)
        target = self._target(head)
        if target is None:
            client.sendall(_refusal(403, "Forbidden"))
            return
        try:
            server = self._guard.connect(*target, timeout=self._timeout)
        except CitewireError:
            client.sendall(_refusal(502, "Bad Gateway"))
            return
        with self._kept(server):
            server.settimeout(_IDLE)
            back = threading.Thread(target=_copy, args=(server, client), name="gateway", daemon=True)
            if head.startswith(b"CONNECT "):
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back.start()
                _copy(client, server)
            else:
                back.start()
                with contextlib.suppress(OSError):
                    self._requests(reader, server, head, target)
            back.join(_LINGER)

    def _requests(self, reader: BinaryIO, server: socket.socket, head: bytes, target: Target) -> None:
        """Pass on the requests of a connection, all of which must be for one target."""
        while head and self._target(head) == target:
            server.sendall(_for_server(head))
            left = _length_of(head)
            while left and (data := reader.read(min(left, _CHUNK))):
                server.sendall(data)
                left -= len(data)
            head = _head_of(reader)
        server.shutdown(socket.SHUT_WR)

    def _target(self, head: bytes) -> Target | None:
        """Return where the request goes, or None if it may not."""
        lines = head.decode("latin-1").split("\r\n")
        if lines[0].count(" ") != 2:
            return None
        method, target, _ = lines[0].split(" ")
        word = base64.b64encode(f"citewire:{self._word}".encode()).decode()
        said = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("proxy-authorization:")]
        if not (said and secrets.compare_digest(said[0].encode(), f"Basic {word}".encode())):
            return None
        try:
            found = target_of(f"https://{target}" if method == "CONNECT" else target)
        except ValueError:
            return None
        return found if found[0] and (self._hosts is None or found in self._hosts) else None

    @contextlib.contextmanager
    def _kept(self, one: socket.socket) -> Iterator[None]:
        """Have `close` end the connection too, and end it afterwards, also for a thread that still waits for it."""
        with one:
            with self._lock:
                if self._closed:
                    raise ConnectionError
                self._open.add(one)
            try:
                yield
            finally:
                with self._lock:
                    self._open.discard(one)
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)  # closing it would not wake that thread


def _head_of(reader: BinaryIO) -> bytes:
    """Read a request's head; b"" if there is no whole one."""
    got = b""
    while line := reader.readline(_HEAD - len(got)):
        got += line
        if line == b"\r\n":
            return got
    return b""


def _length_of(head: bytes) -> int:
    """Return the length of the body. obstore sends none without it. Raises ConnectionError."""
    fields = [line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:] if b":" in line]
    lengths = [value.strip() for name, value in fields if name == b"content-length"]
    if any(name == b"transfer-encoding" for name, _ in fields) or len(lengths) > 1:
        raise ConnectionError
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _for_server(head: bytes) -> bytes:
    """Return the head as its server expects it: with the path alone, and without our password."""
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, version = first.split(b" ")
    path = b"/" + target.split(b"/", 3)[3] if target.count(b"/") > 2 else b"/"
    kept = [one for one in fields if not one.lower().startswith(b"proxy-")]
    return b"\r\n".join([b" ".join((method, path, version)), *kept, b"", b""])


def _refusal(status: int, reason: str) -> bytes:
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def _copy(source: socket.socket, to: socket.socket) -> None:
    """Pass bytes on until the source ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)
