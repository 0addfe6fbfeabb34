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
    """Return the path of libfaketime for LD_PRELOAD."""
    _forget_the_killed()
    command = ["faketime", "-m", "-f", "+0", "printenv", "LD_PRELOAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _forget_the_killed() -> None:
    """Remove what killed processes have left in shared memory.

    It is named by their process ids, and a process that is given one of these again would not start with libfaketime.
    """
    for file in Path("/dev/shm").glob("*faketime_*"):
        process = file.name.rpartition("_")[2]
        if process.isdecimal() and not Path("/proc", process).exists():
            file.unlink(missing_ok=True)


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
