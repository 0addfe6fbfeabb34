"""uvicorn as a process of ours."""

from __future__ import annotations

import socket
import threading

import uvicorn

from pipeline.stages.sweep import EVERY
from pipeline.web.app import create_app
from workers import logs
from workers.wiring import services


def run(*, host: str, port: int, fd: int | None) -> None:
    """Serve until SIGTERM; on a socket that was handed down, where `fd` names one."""
    logs.configure("web")
    own = services()
    app = create_app(own.context, alive=own.doorbell.alive)
    threading.Thread(target=_show_life, name="alive", daemon=True).start()
    settings = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=65_536,
    )
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    uvicorn.Server(settings).run(sockets=sockets)


def _show_life() -> None:
    own = services()
    pause = threading.Event()
    while True:
        own.doorbell.here("web")
        pause.wait(EVERY)
