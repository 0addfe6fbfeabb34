"""Processes that run beside a site's own, as they are left over from another time or another release."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import started
from faked_clock import FakedClock
from running import ROOT, Running
from waiting import PATIENCE, until

from pipeline.ledger import migrations
from workers import runfile

_NUMBERS = itertools.count(1)
_FORMER = """
import threading
from pipeline.ledger import migrations
from workers.worker import run
threading.Timer(3.0, setattr, (migrations, "HEAD", {schema!r})).start()
run({kind!r}, "former-{kind}")
"""


class Beside:
    """A process of the site, with the settings of one of its systems."""

    def __init__(self, system: Running, words: Sequence[str], environment: dict[str, str]) -> None:
        running = runfile.read(system.data)
        own = {"CITEWIRE_DATA": str(system.data)}
        if running is not None and running.redis:
            own["CITEWIRE_REDIS_URL"] = running.redis
        self._words = system.on_host(list(words))
        self._environment = system.environment | own | environment
        # Outside the site's folder, whose disk a fault may fill, and no other run's.
        self._log = Path(tempfile.gettempdir()) / f"citewire-beside-{os.getpid()}-{next(_NUMBERS)}.log"
        self._process: started.Process | None = None

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = started.start(
                self._words, env=self._environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def said(self, words: str) -> bool:
        """Wait until the process has logged these words. It may exit first if something that it needs is broken too."""
        until(lambda: words in self._log.read_text() or self._ended(), what=self._log.read_text)
        return words in self._log.read_text()

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def end(self) -> str:
        """End it as an operator does. Return its log."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
        said = self._log.read_text()
        self._log.unlink()
        return said


def worker(kind: str) -> list[str]:
    return [sys.executable, "-m", "workers.cli", "worker", kind, "--name", f"odd-{kind}"]


def former_release(kind: str) -> list[str]:
    """Return the command of a worker under which the ledger is migrated to a newer schema after three seconds."""
    former = f"{int(migrations.HEAD[:4]) - 1:04}"
    return [sys.executable, "-c", _FORMER.format(schema=former, kind=kind)]


def with_clock(folder: Path) -> tuple[FakedClock, dict[str, str]]:
    """Return a clock of its own, and the environment of the processes that have it."""
    clock = FakedClock(folder / f"clock-{next(_NUMBERS)}")
    return clock, clock.environment
