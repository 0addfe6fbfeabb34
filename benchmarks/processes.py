"""Child processes of a benchmark, which always end with it, and the resources they use."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.samples import ROOT


def end_on_signals() -> None:
    """Handle SIGTERM like Ctrl-C, so that every `finally` block runs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def plain_environment() -> dict[str, str]:
    """Return this process's environment without settings of Citewire."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CITEWIRE_")}


@contextmanager
def started(module: str, *arguments: str, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m module`. At the end it is terminated, and if necessary killed with its children."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def ready(process: subprocess.Popen[str], *, within: float, log: Path) -> str:
    """Return the address after `ready ` in the first line of output."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], within)
    line = process.stdout.readline() if readable else ""
    if not line.startswith("ready "):
        raise SystemExit(f"not ready within {within:g} s:\n{log.read_text()[-3000:]}")
    return line.split()[1]


def until(done: Callable[[], bool], *, within: float, what: str) -> None:
    deadline = time.monotonic() + within
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {within:g} s: {what}")
        time.sleep(0.05)


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return user and system time since the processes started. Ended processes are not counted."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def peak_megabytes(process: psutil.Process) -> float:
    """Return peak resident memory where the system records it (Linux), and otherwise the current value."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return float(process.memory_info().rss) / 1e6


def _end(process: subprocess.Popen[str]) -> None:
    family = _family(process)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=60)
    for one in family:
        with suppress(psutil.Error):
            one.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
