"""A child process that its parent keeps running and that does not outlive its parent.

it ends                    started again, after a pause that grows while it ends soon after each start
it gives no sign of life   killed, and so started again: it is stopped, or hangs for an unforeseen reason
it cannot be started       tried again as if it had ended at once
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from pipeline.timing import doubling
from workers import forking
from workers.alive import NOTIFY, PIPE
from workers.wiring import OWNER

_LONG_ENOUGH = 10.0  # seconds after which a start counts as successful
_LONGEST_PAUSE = 10.0  # seconds at most between two starts of a child that keeps failing
SILENT_AFTER = 120.0  # seconds without a sign of life; a sweep may wait for the ledger for half of that

_log = structlog.get_logger()


@dataclass
class Child:
    """A child process and how to restart it."""

    name: str
    command: Callable[[], Sequence[str]]  # asked for at every start; may raise OSError
    environment: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    silent_after: float | None = SILENT_AFTER  # None: it gives no signs of life
    run: Callable[[], object] | None = None  # does what the command does, in a fork of this process where possible
    title: Sequence[str] = ()  # the command line that a fork shows
    process: subprocess.Popen[bytes] | forking.Forked | None = None
    owner: str = ""
    started: float = 0.0
    seen: float | None = None  # when it last gave a sign of life
    quick_ends: int = 0  # in a row
    _refused: bool = False  # whether the last start failed, which is logged once
    _signs: int | None = None  # the end of a pipe from which its signs of life are read

    def start(self) -> None:
        self.started, self.seen, self.process = time.monotonic(), None, None
        self.owner = f"{secrets.token_hex(4)}_"
        self._close_signs()
        self._signs, given = os.pipe()
        try:
            self.process = self._open(given)
            self._refused = False
        except OSError as error:
            if not self._refused:
                _log.error("cannot be started", child=self.name, error=str(error))
            self._refused = True
        finally:
            os.close(given)
        os.set_blocking(self._signs, False)

    def _open(self, signs: int) -> subprocess.Popen[bytes] | forking.Forked:
        os.set_blocking(signs, False)
        environment = _without_notify(self.environment) | {OWNER: self.owner, PIPE: str(signs)}
        if self.run is not None and forking.possible():
            return forking.fork(self.run, environment, title=self.title, keep=(*self.pass_fds, signs))
        return subprocess.Popen(
            self.command(),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=(*self.pass_fds, signs),
            process_group=0,  # Ctrl-C is for us: we end the children, and in order
            preexec_fn=forking.die_with_parent,  # noqa: PLW1509 (this process has one thread)
        )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def watch(self, give_back: Callable[[str], None]) -> None:
        """Restart it if it has ended, after a pause that grows if it ends quickly. Its leases are released at once."""
        self._read_signs()
        if self.running:
            self._end_if_silent()
            return
        lived = time.monotonic() - self.started
        pause = doubling(self.quick_ends, first=0.1, most=_LONGEST_PAUSE)
        if lived < pause:
            return
        self.quick_ends = self.quick_ends + 1 if lived < _LONG_ENOUGH else 0
        ended = self.process.returncode if self.process else None
        give_back(self.owner)
        self.start()
        if self.process is not None:
            _log.warning("started again", child=self.name, exit=ended)

    def _read_signs(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._signs is not None and os.read(self._signs, 4096):
                self.seen = time.monotonic()

    def _end_if_silent(self) -> None:
        silent = time.monotonic() - (self.seen or self.started)
        if self.process is not None and self.silent_after is not None and silent > self.silent_after:
            _log.error("no sign of life: killed", child=self.name, seconds=round(silent))
            self.process.kill()
            self.process.wait()

    def _close_signs(self) -> None:
        if self._signs is not None:
            os.close(self._signs)
            self._signs = None

    def stop(self) -> None:
        if self.process is not None and self.running:
            self.process.terminate()

    def join(self, deadline: float) -> None:
        self._close_signs()
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _without_notify(environment: dict[str, str]) -> dict[str, str]:
    """Only `up` notifies systemd; it watches its children itself."""
    return {name: value for name, value in environment.items() if name not in (NOTIFY, "WATCHDOG_USEC", "WATCHDOG_PID")}
