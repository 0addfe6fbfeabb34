"""The web server process: uvicorn, with the application and its services."""

from __future__ import annotations

import functools
import signal
import socket
import sys

import uvicorn

from pipeline.web.app import create_app
from workers import alive, logs
from workers.celery import app as celery
from workers.listening import listening
from workers.queue import connect
from workers.rates import RedisLimiter
from workers.showing import show
from workers.wiring import services


def run(*, host: str, port: int, fd: int | None) -> None:
    """Serve until SIGTERM, on the inherited socket if `fd` names one."""
    logs.configure("web")
    with listening(host, port) if fd is None else socket.socket(fileno=fd) as listener:
        _serve(listener)


def _serve(listener: socket.socket) -> None:
    own = services()
    queue = own.settings.redis_url or str(celery.conf.broker_url)
    limiter = RedisLimiter(connect(queue))
    app = create_app(own.context, alive=own.doorbell.alive, limiter=limiter, disk=own.context.disk)
    show(own.doorbell, "web", functools.partial(own.standing.look, "web", "web"))
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=65_536,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises SIGTERM again after a clean shutdown
    try:
        uvicorn.Server(settings).run(sockets=[listener])
    finally:
        alive.stop("web")
