"""The command line: `citewire COMMAND`, with one module for each group of commands.

Answers go to standard output (with `--json`, as one JSON document), everything else to standard error.
Exit status: 0 done; 1 a delivery was abandoned, or something needs a person; 2 invalid input or settings; 3 timed out,
or no answer; 4 unknown; 5 overtaken; 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys

FAILED, BAD_INPUT, TIMED_OUT, UNKNOWN, OVERTAKEN = 1, 2, 3, 4, 5
COMPLETING = "_CITEWIRE_COMPLETE"  # the variable in which a shell asks for completions
INTERRUPTED = 130  # 128 plus the number of SIGINT, the shell convention


def main() -> None:
    """Run the `citewire` command. Imports happen inside it, so that Ctrl-C never leaves a traceback."""
    gc.disable()  # until the command is imported: what imports make is not garbage, and is looked at again and again
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # finding them reads the metadata of every installed package
    try:
        from workers.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
