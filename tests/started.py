"""Starts commands of the program, forked from a server that has imported it: a tenth of the time of a fresh start.

Where a fork could differ from a fresh process the command is executed: on a system that is not Linux, for other words
than `python -m workers.cli`, and in an environment that changes what is read while Python starts and imports.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self

from command_server import REQUEST, STATUS

ROOT = Path(__file__).resolve().parents[1]
DEVNULL, PIPE = subprocess.DEVNULL, subprocess.PIPE
File = int | IO[Any] | None

_PROGRAM = (sys.executable, "-m", "workers.cli")
_SERVER = Path(__file__).with_name("command_server.py")
_TITLE_ROOM = 4096  # bytes for the command line that a fork shows in place of the server's
# Beginnings of names that no import reads, and pydantic's, which the program sets before it imports anything.
_LATE = ("CITEWIRE_", "PARTNER_", "PYTEST_", "XDG_", "COLUMNS", "TZ", "PYDANTIC_DISABLE_PLUGINS")


def start(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    text: bool = False,
    start_new_session: bool = False,
) -> Process:
    """Start a command as `subprocess.Popen` does."""
    if not _as_fresh(words, env):
        return subprocess.Popen(
            words,
            env=env,
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=text,
            start_new_session=start_new_session,
        )
    return Forked(words, env, cwd, (stdin, stdout, stderr), text=text, session=start_new_session)


def run(words: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as `subprocess.run` does, and return what it printed."""
    if not _as_fresh(words, env):
        return subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with start(words, env=env, cwd=cwd, stdout=out, stderr=err) as process:
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, status, out.read(), err.read())


class Forked:
    """A command's process, with what the tests use of `subprocess.Popen`."""

    def __init__(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        files: Sequence[File],
        *,
        text: bool,
        session: bool,
    ) -> None:
        self.args, self.returncode = words, None
        request = {"words": [str(word) for word in words], "env": dict(env), "cwd": str(cwd), "session": session}
        with ExitStack() as given, tempfile.TemporaryFile("w+") as asked:
            json.dump(request, asked)
            asked.seek(0)
            (read, standard), *others = [_opened(number, file, given) for number, file in enumerate(files)]
            assert read is None, "no test writes to a command"
            self.stdout, self.stderr = [pipe and os.fdopen(pipe, "r" if text else "rb") for pipe, _ in others]
            self._answers = socket.socket(socket.AF_UNIX)
            self._answers.connect(_server())
            socket.send_fds(self._answers, [REQUEST], [standard, *(file for _, file in others), asked.fileno()])
        self.pid = self._answer()

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:  # its number cannot have become another process's
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self.wait()

    def _end(self) -> None:
        self.returncode = self._answer()
        self._answers.close()

    def _answer(self) -> int:
        said = self._answers.recv(STATUS.size, socket.MSG_WAITALL)
        assert len(said) == STATUS.size, "the server of commands has ended"
        (number,) = STATUS.unpack(said)
        return int(number)


Process = subprocess.Popen[Any] | Forked


def _opened(number: int, file: File, given: ExitStack) -> tuple[int | None, int]:
    """Return the end of a pipe to read from, if one was asked for, and what the command gets as this standard file."""
    if file is None:
        return None, number
    if file == PIPE:
        read, write = os.pipe()
        given.callback(os.close, write)
        return read, write
    if file == DEVNULL:
        nothing = os.open(os.devnull, os.O_RDWR)
        given.callback(os.close, nothing)
        return None, nothing
    return None, file if isinstance(file, int) else file.fileno()


def _as_fresh(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Return whether a fork of the server is what a fresh process would be."""
    if sys.platform != "linux" or tuple(words[:3]) != _PROGRAM:
        return False
    ours, theirs = _environment(), dict(env)
    if theirs.get("PYTHONPATH") == str(ROOT):  # where the server finds the program too
        theirs["PYTHONPATH"] = ours.get("PYTHONPATH", "")
    return all(
        ours.get(name, "") == theirs.get(name, "") for name in ours.keys() | theirs.keys() if not name.startswith(_LATE)
    )


@functools.cache
def _environment() -> dict[str, str]:
    """Return the environment in which the server has imported the program."""
    return dict(os.environ)


@functools.cache
def _server() -> str:
    """Start the server and return its address. It ends with this process."""
    folder = tempfile.mkdtemp(prefix="commands-")
    address = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        command = [sys.executable, str(_SERVER), str(listening.fileno()), " " * _TITLE_ROOM]
        server = subprocess.Popen(
            command,
            env=_environment() | {"PYDANTIC_DISABLE_PLUGINS": "1"},  # as the program sets it before its imports
            cwd=ROOT,
            stdin=PIPE,
            pass_fds=(listening.fileno(),),
        )

    def end() -> None:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
        Path(address).unlink()
        Path(folder).rmdir()

    atexit.register(end)
    return address
