"""A clock that a test turns while the processes under it run: libfaketime, which leaves uptime alone."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from judges.presence import missing


def is_here() -> bool:
    return shutil.which("faketime") is not None


@functools.cache
def library() -> str:
    """Return the path of libfaketime for LD_PRELOAD.

    `faketime` makes shared memory that is named by its process id, and fails where another with its id has left some.
    """
    for _ in range(20):
        command = ["faketime", "-m", "-f", "+0", "printenv", "LD_PRELOAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    raise AssertionError(f"faketime: {done.stderr}")


class FakedClock:
    def __init__(self, file: Path) -> None:
        if not is_here():
            missing("faketime", "Debian's package `faketime` has it")
        self._file = file
        self.turn("+0")
        self.environment = {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds
            "PYTHONPATH": str(Path(__file__).with_name("with_faketime")),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # setting a clock changes neither uptime nor pauses
        }

    def turn(self, to: str) -> None:
        """Set it off by this from now on: "+1d", "-1d"; "+0" is right."""
        new = self._file.with_suffix(".new")
        new.write_text(to + "\n")
        new.replace(self._file)
