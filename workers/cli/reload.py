"""`reload`: have the running system take up the settings on disk."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ConfigError, TransientError
from workers import runfile
from workers.cli import BAD_INPUT, output
from workers.cli.common import DataOption, data_folder
from workers.runfile import Running

RELOAD_WITHIN = 60.0  # seconds, by default
_LOOK = 0.05


def register(app: typer.Typer) -> None:
    app.command()(reload)


def reload(
    data: DataOption = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most for the processes.")] = RELOAD_WITHIN,
) -> None:
    """Have the running system take up the settings on disk, without a restart.

    They are checked first. If anything is wrong with them, those in force stay, and nothing is disturbed.
    """
    folder = data_folder(data)
    running = runs_on(folder)
    if running is None:
        hint = "it takes up its settings when it starts"
        raise ConfigError(f"no system is running on {folder}", key="data", hint=hint, code="not-running")
    take_up(folder, running, timeout=timeout)
    output.line("taken up by all processes")


def runs_on(folder: Path) -> Running | None:
    """Return the note of the system that runs on the folder, or None if none does."""
    running = runfile.read(folder)
    is_there = running is not None and running.pid is not None and runfile.is_locked(folder)
    return running if is_there else None


def take_up(folder: Path, running: Running, *, timeout: float) -> None:
    """Have the system take up the settings on disk, and wait for it. Exits with 2 if it refuses them."""
    assert running.pid is not None
    os.kill(running.pid, signal.SIGHUP)
    deadline = time.monotonic() + timeout
    while (now := runfile.read(folder)) is not None and (now.reloads == running.reloads or now.replacing):
        if time.monotonic() > deadline:
            raise TransientError("some processes still have the former settings", code="reload-unfinished")
        time.sleep(_LOOK)
    if now is None:
        raise TransientError("the system ended meanwhile", code="reload-unfinished")
    for line in now.refused:
        print(f"citewire: {line}", file=sys.stderr)
    if now.refused:
        sys.exit(BAD_INPUT)
