"""The web server process: the application and its services."""

from __future__ import annotations

import functools
import signal
import socket
import sys

from config.settings import WebSettings
from pipeline.errors import ConfigError
from pipeline.web.app import create_app
from workers import alive, logs
from workers.counting import counting
from workers.listening import listening
from workers.open_files import allow_most
from workers.queue import connect
from workers.rates import RedisLimiter
from workers.serving import Limits, server_of
from workers.showing import show
from workers.telemetry import faults_reported
from workers.wiring import services

_OWN_FILES = 150  # files that the process opens beside its connections


def run(*, host: str, port: int, fd: int | None) -> None:
    """Serve until SIGTERM, on the inherited socket if `fd` names one."""
    logs.configure("web")
    with listening(host, port) if fd is None else socket.socket(fileno=fd) as listener:
        _serve(listener)


def _serve(listener: socket.socket) -> None:
    own = services()
    limiter = RedisLimiter(connect(own.queue))
    app = create_app(own.context, alive=own.doorbell.alive, limiter=limiter, disk=own.context.disk)
    show(own.doorbell, "web", functools.partial(own.standing.look, "web", "web"))
    server = server_of(app, limits=limits_of(own.settings.web), stop=app.state.stop)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises SIGTERM again after a clean shutdown
    try:
        with faults_reported(own.settings), counting(app.state.readers.write):
            server.run(sockets=[listener])
    finally:
        alive.stop("web")
        own.context.tracing.close()


def limits_of(web: WebSettings) -> Limits:
    """Return the limits of the settings, below the number of files that this process may open.

    Raises ConfigError (`too-few-files`) if no connection would be possible.
    """
    most = allow_most()
    possible = int(min(web.connections, most - _OWN_FILES))
    if possible < 1:
        raise ConfigError(
            f"this process may open {most:g} files, and needs {_OWN_FILES} beside its connections",
            key="web.connections",
            hint="raise the limit on open files: `ulimit -Hn 65536`, LimitNOFILE= of systemd, `ulimits` of compose",
            code="too-few-files",
        )
    return Limits(
        connections=possible,
        connections_of_client=web.connections_per_client,
        trusted_proxies=web.trusted_proxies,
    )
