"""The command line: `citewire COMMAND`. One module for each group of commands.

Answers go to standard output (with `--json`, one JSON document), everything else to standard error.
Exit status: 0 done; 1 a delivery failed for good; 2 bad input or settings; 3 timed out; 4 unknown.
"""

from workers.cli.main import main

__all__ = ["main"]
