"""Forks a command of the program for each request. It has imported what commands import, and has run none of it.

`started` starts it and sends the requests. It ends, and its commands with it, when its standard input does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

STATUS = struct.Struct("!i")  # what goes back: the process's number, and how it ended
REQUEST, FILES = b"?", 4  # a request is a file of JSON beside the standard files of the command
_UNFLUSHED = 120  # Python's status where standard output does not take the rest

# What no module of ours imports before a command runs: migrations, the drivers of the databases, answers for people.
_LATER = (
    "alembic.command",
    "alembic.runtime.migration",
    "psycopg",
    "psycopg_binary",
    "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "watchfiles",
)


def main() -> None:
    """Serve requests on the listening socket whose descriptor is the first argument."""
    sys.path[0] = str(Path.cwd())  # in place of this file's folder, as for `python -m`
    _import_all()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, who end this process
    with socket.socket(fileno=int(sys.argv[1])) as listening, selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listening:
                    _begin(listening, waiting)
                else:
                    _end(key, waiting)


def _import_all() -> None:
    from workers.embedded import _OF_CHILDREN

    for name in (*_modules(), *_OF_CHILDREN, *_LATER):
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork of several threads is not sound"
    gc.collect()
    gc.freeze()


def _modules() -> Iterator[str]:
    """Every module of the program but those that do something when they are imported."""
    for package in ("config", "pipeline", "workers"):
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if not found.name.endswith(".__main__") and ".migrations." not in found.name:
                yield found.name


def _begin(listening: socket.socket, waiting: selectors.BaseSelector) -> None:
    connection, _ = listening.accept()
    _, files, _, _ = socket.recv_fds(connection, len(REQUEST), FILES)
    with open(files[-1], encoding="utf-8") as file:  # noqa: PTH123 (a descriptor has no path)
        request = json.load(file)
    pid = os.fork()
    if pid == 0:
        _run(request, files[:-1])
    for standard in files[:-1]:
        os.close(standard)
    waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
    _tell(connection, pid)


def _end(key: selectors.SelectorKey, waiting: selectors.BaseSelector) -> None:
    pid, connection = key.data
    waiting.unregister(key.fd)
    os.close(key.fd)
    _tell(connection, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    connection.close()


def _tell(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any longer
        connection.sendall(STATUS.pack(number))


def _run(request: dict[str, Any], files: list[int]) -> NoReturn:
    """Become the command's process, and end as the interpreter does."""
    status = 1
    try:
        _become(request, files)
        runpy.run_module(request["words"][2], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = _status(end)
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        status = -signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        _exit(status)


def _become(request: dict[str, Any], files: list[int]) -> None:
    from workers.forking import die_with_parent, set_title

    die_with_parent()
    if request["session"]:
        os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(len(files), os.sysconf("SC_OPEN_MAX"))
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    set_title(request["words"])
    sys.path[0] = request["cwd"]
    sys.argv = ["-m", *request["words"][3:]]
    sys.stdin = sys.__stdin__ = _text(0, "r", sys.stdin)
    sys.stdout = sys.__stdout__ = _text(1, "w", sys.stdout)
    sys.stderr = sys.__stderr__ = _text(2, "w", sys.stderr, line_buffering=True)


def _text(number: int, mode: str, like: Any, *, line_buffering: bool = False) -> io.TextIOWrapper:
    """Open a standard file as the interpreter does, in the same encoding as this process's."""
    raw = io.FileIO(number, mode, closefd=False)
    raw.name = like.name
    direct = mode == "w" and like.write_through  # PYTHONUNBUFFERED
    buffer = raw if direct else io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffer,
        encoding=like.encoding,
        errors=like.errors,
        line_buffering=line_buffering or raw.isatty(),
        write_through=direct,
    )


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _exit(status: int) -> NoReturn:
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # joins the threads, as the interpreter does at its end
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
        except OSError:
            traceback.print_exc()
            status = _UNFLUSHED
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        if status < 0:
            os.kill(os.getpid(), -status)
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
