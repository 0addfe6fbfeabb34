"""An asyncio server that runs in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self


class LoopThread(ABC):
    """The base of servers with one event loop in one thread. They serve inside their `with` block."""

    def __init__(self, host: str, port: int) -> None:
        self.port = port
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__.lower(), daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self._host, self.port), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @abstractmethod
    async def _start(self, listener: socket.socket) -> asyncio.Server:
        """Start serving."""

    @abstractmethod
    async def _end(self, server: asyncio.Server) -> None:
        """Close the server, and every connection, including those that are just being accepted."""

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._start(self._listener))
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))
        self._loop.close()
