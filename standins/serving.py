"""A small HTTP/1.1 server around one function, which can also break off, drip or hang."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from standins.misbehaviour import MISBEHAVIOURS, Answer, Conduct

Respond = Callable[[str, str, Mapping[str, str], bytes, int], Answer]  # method, path, parameters, body, address length
_DRIP = 0.2  # seconds between bytes


class Listener:
    """Serves `respond` on 127.0.0.1. It can be stopped, and restarted on the same port."""

    def __init__(self, respond: Respond, port: int = 0) -> None:
        self._respond = respond
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), self._respond)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()
        self._server = None


class Standin:
    """A service over real HTTP that can be told to misbehave. A subclass answers in `_respond`, under `_lock`."""

    faults: ClassVar[Mapping[str, Callable[[Answer], Answer]]] = MISBEHAVIOURS

    def __init__(self, port: int = 0) -> None:
        self._conduct = Conduct(faults=self.faults)
        self._lock = threading.Lock()
        self._listener = Listener(self._respond, port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start listening; after `stop`, on the same port as before."""
        self._listener.start()

    def stop(self) -> None:
        """Close the port, so that connections are refused."""
        self._listener.stop()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    def misbehave(self, name: str = "", *, times: int | None = None, seed: int = 0, path: str = "") -> None:
        """Misbehave from the next request (to `path`) on, or behave if `name` is empty. Raises ValueError."""
        conduct = Conduct(name, times=times, seed=seed, path=path, faults=self.faults)
        with self._lock:
            self._conduct = conduct

    def answered(
        self, method: str, path: str, params: Mapping[str, str], body: bytes, length: int, headers: Mapping[str, str]
    ) -> Answer:
        """Return what would be sent over a socket."""
        return unless_known(self._respond(method, path, params, body, length), headers)

    def _respond(self, method: str, path: str, params: Mapping[str, str], body: bytes, length: int) -> Answer:
        raise NotImplementedError


def unless_known(answer: Answer, headers: Mapping[str, str] | Message) -> Answer:
    """Return the answer, or 304 without a body if the request's `If-None-Match` has its ETag."""
    etag = answer.headers.get("ETag")
    known = etag and answer.status == 200 and headers.get("If-None-Match") == etag
    return replace(answer, status=304, body=b"") if known else answer


class QuietServer(ThreadingHTTPServer):
    """A threading server that ignores clients that give up. `stopping` is set before it stops."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[QuietHandler]) -> None:
        super().__init__(address, handler)
        self.stopping = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that gave up."""


class QuietHandler(BaseHTTPRequestHandler):
    """A handler with keep-alive that logs nothing, and can reset its connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise every answer on a kept-alive connection takes 40 ms

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: stand-ins record their requests."""


class _Server(QuietServer):
    def __init__(self, address: tuple[str, int], respond: Respond) -> None:
        super().__init__(address, _Handler)
        self.respond = respond
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Close all connections, including idle ones, as when a server goes down."""
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already closed by the other side


class _Handler(QuietHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        form = body.decode("utf-8", "replace") if "urlencoded" in self.headers.get("Content-Type", "") else ""
        params = dict(parse_qsl(parts.query) + parse_qsl(form))
        answer = self.server.respond(self.command, parts.path, params, body, len(self.path))
        self._write(unless_known(answer, self.headers))

    def _write(self, answer: Answer) -> None:
        if answer.transport == "hang":
            self.server.stopping.wait()
        if answer.transport in ("reset", "hang"):
            self.reset()
        else:
            self.server.stopping.wait(answer.delay)
            self._write_head(answer)
            self._write_body(answer)

    def _write_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.media_type, "Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _write_body(self, answer: Answer) -> None:
        if answer.transport == "drip":
            for index in range(len(answer.body)):
                if self.server.stopping.wait(_DRIP):
                    break
                self.wfile.write(answer.body[index : index + 1])
        elif answer.transport == "cut":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.reset()
        else:
            self.wfile.write(answer.body)
