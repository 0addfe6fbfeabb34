"""uvicorn's server, with limits on its connections, and with a shutdown that does not wait for clients."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, cast

import uvicorn

from workers.serving.connection import Connection
from workers.serving.limits import Limits, Shared, now

_EACH = 10  # of uvicorn's ticks, of which there are ten a second


class Server(uvicorn.Server):
    """`stop` is called when the server is stopped, and has the application answer those that wait for something."""

    def __init__(self, config: uvicorn.Config, limits: Limits, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = Shared(limits)
        self._stop = stop

    async def on_tick(self, counter: int) -> bool:
        if counter % _EACH == 0:
            time = now()
            for connection in list(self.server_state.connections):
                cast("Connection", connection).look(time)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop()
        await super().shutdown(sockets)


def server_of(app: Any, *, limits: Limits, stop: Callable[[], None]) -> Server:
    """Return a server of the application. Only `trusted_proxies` are believed about a client's address."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(limits.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in limits.trusted_proxies],
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    return Server(config, limits, stop)
