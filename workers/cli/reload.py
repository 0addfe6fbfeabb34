"""`reload`: have the running system take up the settings on disk."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Annotated

import typer

from pipeline.errors import ConfigError, TransientError
from workers import runfile
from workers.cli import BAD_INPUT, output
from workers.cli.common import DataOption, data_folder

_LOOK = 0.05  # seconds


def register(app: typer.Typer) -> None:
    app.command()(reload)


def reload(
    data: DataOption = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most for the processes.")] = 60.0,
) -> None:
    """Have the running system take up the settings on disk, without a restart.

    They are checked first. If anything is wrong with them, those in force stay, and nothing is disturbed.
    """
    folder = data_folder(data)
    running = runfile.read(folder)
    if running is None or running.pid is None or not runfile.is_locked(folder):
        hint = "it takes up its settings when it starts"
        raise ConfigError(f"no system is running on {folder}", key="data", hint=hint, code="not-running")
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
    output.line("taken up by all processes")
