"""Heartbeats: every process leaves one in Redis each second. A container's health check looks for it:

python -m workers.alive pipeline     exit 0 if a pipeline worker on this host sent one in the last ten seconds
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import redis
import structlog

from config import load
from pipeline.errors import ConfigError
from pipeline.stages.stage import caught
from pipeline.timing import SWEEP_EVERY
from workers.queue import alive, connect
from workers.trouble import Trouble

if TYPE_CHECKING:
    from workers.doorbell import CeleryDoorbell

PIPE = "CITEWIRE_SIGNS"  # the descriptor of a pipe, set by `up` for each child

_log = structlog.get_logger()


def name_of(kind: str) -> str:
    """Return a unique name for this process, such as "deliver-a1b2c3-7"."""
    return f"{kind}-{socket.gethostname()}-{os.getpid()}"


def sign() -> None:
    """Give a sign of life to the `up` that started this process, if one did. It needs neither Redis nor a disk."""
    if pipe := os.environ.get(PIPE):
        with contextlib.suppress(OSError):  # full, because `up` was stopped, or closed, because it is gone
            os.write(int(pipe), b".")


def show(bell: CeleryDoorbell, name: str, look: Callable[[], None]) -> None:
    """Send heartbeats from a daemon thread from now on, and call `look` with each."""
    threading.Thread(target=_show, args=(bell, name, look), name="alive", daemon=True).start()


def _show(bell: CeleryDoorbell, name: str, look: Callable[[], None]) -> None:
    pause = threading.Event()
    trouble = Trouble(_log, begins="cannot give a sign of life", ends="signs of life go on")
    while True:
        bell.heartbeat(name)
        sign()
        outcome = caught(look)
        trouble.report(outcome if isinstance(outcome, Exception) else None)
        pause.wait(SWEEP_EVERY)


def main(kind: str) -> int:
    """Return the exit status: 0 alive, 1 not alive or no answer from Redis, 2 invalid settings."""
    try:
        url = load(os.environ).redis_url
        names = alive(connect(url)) if url else []
    except redis.RedisError as error:
        print(f"Redis does not answer: {error}", file=sys.stderr)
        return 1
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    ours = f"{kind}-{socket.gethostname()}-"
    return 0 if any(name.startswith(ours) for name in names) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
