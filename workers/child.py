"""A child process that its parent keeps running and that does not outlive its parent."""

from __future__ import annotations

import ctypes
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from pipeline.timing import doubling
from workers.wiring import OWNER

_LONG_ENOUGH = 10.0  # seconds after which a start counts as successful
_LONGEST_PAUSE = 10.0  # seconds at most between two starts of a child that keeps failing

_log = structlog.get_logger()


@dataclass
class Child:
    """A child process and how to restart it."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    owner: str = ""
    started: float = 0.0
    quick_ends: int = 0  # in a row

    def start(self) -> None:
        self.started = time.monotonic()
        self.owner = f"{secrets.token_hex(4)}_"
        self.process = subprocess.Popen(
            self.command,
            env=self.environment | {OWNER: self.owner},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=self.pass_fds,
            process_group=0,  # Ctrl-C reaches only the parent, which stops the children in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (this process has one thread)
        )

    def watch(self, give_back: Callable[[str], None]) -> None:
        """Restart the child if it has exited, and release its leases. The pause grows while it exits quickly."""
        if self.process is None or self.process.poll() is None:
            return
        lived = time.monotonic() - self.started
        pause = doubling(self.quick_ends, first=0.1, most=_LONGEST_PAUSE)
        if lived < pause:
            return
        self.quick_ends = self.quick_ends + 1 if lived < _LONG_ENOUGH else 0
        _log.warning("started again", child=self.name, exit=self.process.returncode)
        give_back(self.owner)
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def join(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _die_with_parent() -> None:
    """Linux: have the kernel kill this process when its parent ends (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
