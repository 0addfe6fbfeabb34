"""The command line: `citewire COMMAND`, with one module for each group of commands.

Answers go to standard output (with `--json`, as one JSON document), everything else to standard error.
Exit status: 0 done; 1 a delivery was abandoned, or something needs a person; 2 invalid input or settings; 3 timed out,
or no answer; 4 unknown; 5 overtaken; 130 interrupted.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
from typing import NoReturn

FAILED, BAD_INPUT, TIMED_OUT, UNKNOWN, OVERTAKEN = 1, 2, 3, 4, 5
COMPLETING = "_CITEWIRE_COMPLETE"  # the variable in which a shell asks for completions
INTERRUPTED = 130  # 128 plus the number of SIGINT, the shell convention


def main() -> NoReturn:
    """Be the process of one command: run it, and end with its status.

    The interpreter would first free each object of a thousand modules, which takes a tenth of what a short command
    takes in all, and which ending the process does anyway. Threads are waited for and exit handlers run as ever.
    """
    status = 0
    try:
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else FAILED
    _end(status)


def run() -> None:
    """Run the `citewire` command. Imports happen inside it, so that Ctrl-C never leaves a traceback."""
    gc.disable()  # until the command is imported: what imports make is not garbage, and is looked at again and again
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # finding them reads the metadata of every installed package
    try:
        from workers.cli.app import main as run_command

        run_command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _end(status: int) -> NoReturn:
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing does: wakes executors' threads, and joins
        atexit._run_exitfuncs()
        for file in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # it is full, closed, or was never open
                file.flush()
    finally:
        os._exit(status)
