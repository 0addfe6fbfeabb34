"""A TLS server that handles one connection at a time, for tests of clients."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from listeners import accepted, hang_up


def server_context(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class TlsListener:
    """Accept connections and hand each to `talk`; pass what went wrong, as in a handshake, to `refused`."""

    def __init__(
        self,
        context: ssl.SSLContext,
        talk: Callable[[ssl.SSLSocket], None],
        *,
        refused: Callable[[OSError], None] = lambda _: None,
    ) -> None:
        self._context, self._talk, self._refused = context, talk, refused
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        hang_up(self._listener)

    def join(self) -> None:
        self._thread.join()

    def _serve(self) -> None:
        for plain in accepted(self._listener):
            try:
                with self._context.wrap_socket(plain, server_side=True) as secure:
                    self._talk(secure)
            except OSError as error:
                self._refused(error)
                plain.close()
