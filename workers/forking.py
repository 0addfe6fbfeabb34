"""Fork processes that share this one's imports: they start at once, and their memory is this one's until it changes.

A fork is sound only if its parent has one thread and has opened nothing that a fork breaks, such as SQLite. So `up`
opens nothing itself: what has to look at the ledger or at a channel runs in a process of its own, see `apart`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from pipeline.errors import CitewireError, ConfigError

T = TypeVar("T")

_ERROR = 2  # the file descriptor
_LOOK = 0.01  # seconds between looks at a process that is waited for
_OURS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the signals that `up` handles


@dataclass
class Forked:
    """A forked process, as `subprocess.Popen` is one that was executed."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status. Raises subprocess.TimeoutExpired."""
        give_up = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if give_up is not None and time.monotonic() > give_up:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(_LOOK)
        return status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:  # its number cannot have become another process's
            os.kill(self.pid, number)


def possible() -> bool:
    """Return whether this process may be forked: on Linux, while it has one thread."""
    return sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1


def fork(
    run: Callable[[], object], environment: Mapping[str, str], *, title: Sequence[str], keep: Collection[int]
) -> Forked:
    """Run `run` in a forked process, with this environment, and only `keep` open beside the standard files.

    It is in a process group of its own and has the title on its command line, as if it had been executed.
    """

    def begin() -> object:
        os.setpgid(0, 0)
        os.environ.clear()
        os.environ.update(environment)
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(_ERROR, 1)
        set_title(title)
        return run()

    return _fork(begin, keep, signal.SIG_DFL)


def apart(step: Callable[[], T]) -> T:
    """Run a step in a forked process, and return its result or raise its error. Whatever it opens is gone afterwards.

    Where forking is not possible, it runs in this process.
    """
    if not possible():
        return step()
    reading, writing = os.pipe()
    with open(reading, "rb") as answers:  # noqa: PTH123 (a descriptor has no path)
        try:
            child = _fork(lambda: _answer(step, writing), (writing,), signal.SIG_IGN)
        finally:
            os.close(writing)
        answer = answers.read()
    if child.wait() or not answer:
        raise ConfigError("a step of `citewire up` ended without a result: see the log above", code="start-failed")
    outcome: T | CitewireError | OSError = pickle.loads(answer)  # noqa: S301 (our own child wrote it)
    if isinstance(outcome, CitewireError | OSError):
        raise outcome
    return outcome


def _answer(step: Callable[[], object], writing: int) -> None:
    try:
        outcome = step()
    except (CitewireError, OSError) as error:
        outcome = error
    with open(writing, "wb") as file:
        pickle.dump(outcome, file)


def _fork(run: Callable[[], object], keep: Collection[int], handler: signal.Handlers) -> Forked:
    """Fork. The child gets no signal before it has this handler for those that its parent handles."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
    try:
        pid = os.fork()
        if pid == 0:
            _run(run, parent, keep, handler, former)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
    return Forked(pid)


def _run(
    run: Callable[[], object],
    parent: int,
    keep: Collection[int],
    handler: signal.Handlers,
    mask: Collection[signal.Signals | int],
) -> NoReturn:
    """Run it and end the process, without a return into the parent's blocks that clean up behind the parent."""
    status = 1
    try:
        gc.freeze()  # what the parent has open is not this process's to close when it is found to be garbage
        die_with_parent()
        if os.getppid() != parent:
            os._exit(status)
        _close_all_but(keep)
        for number in _OURS:
            signal.signal(number, handler)
        if handler is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        _end(status)


def _end(status: int) -> NoReturn:
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing does: wakes executors' threads, and joins
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(status)


def _close_all_but(keep: Collection[int]) -> None:
    for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if number > _ERROR and number not in keep:
            with contextlib.suppress(OSError):  # the descriptor of this list
                os.close(number)


def set_title(words: Sequence[str]) -> None:
    """Linux: write the words over this process's command line, which `ps` shows (proc(5), arg_start and arg_end)."""
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    start, end = int(fields[45]), int(fields[46])
    room = end - start
    if start and room > 1:
        title = "\0".join(words).encode()[: room - 1]
        ctypes.memmove(start, title.ljust(room, b"\0"), room)


def die_with_parent() -> None:
    """Linux: have the kernel kill this process when its parent ends (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
