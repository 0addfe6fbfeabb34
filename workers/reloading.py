"""Take up changed settings while the system runs.

    check      everything that a start checks, before anything is changed: bad settings disturb nothing
    keep       the file's content in the data folder, which the processes read from then on, and not the file
    replace    one process after another: each ends what it has begun, and the next waits until it is back

The web server's socket is the parent's and stays open, so requests wait for a moment and none is refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from config import COPY, load
from config.settings import Settings
from pipeline.errors import CitewireError, ConfigError
from workers.child import Child
from workers.runfile import copy_of
from workers.wiring import check_settings

_FIXED = ("database_url", "redis_url", "store_url")  # what the parent and its processes hold open
_SILENT = 60.0  # seconds that a new process has to give a sign of life, before the next one is replaced all the same

_log = structlog.get_logger()


def keep_copy(folder: Path, config: Path | None) -> None:
    """Copy the settings file, readable by its owner only, because a database's URL may contain a password."""
    copy = copy_of(folder)
    if config is None:
        copy.unlink(missing_ok=True)
        return
    new = copy.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(config.read_bytes())
    new.replace(copy)


def on_disk(environment: Mapping[str, str], now: Settings, config: Path | None) -> Settings:
    """Return the settings on disk, checked as at a start. Raises ConfigError for a mistake, or for what needs one."""
    environment = {name: value for name, value in environment.items() if name != COPY}
    new = load(environment, file=config, data=now.data)
    for key in _FIXED:
        if getattr(new, key) != getattr(now, key):
            hint = "restart `citewire up`"
            raise ConfigError("cannot change while the system runs", key=key, hint=hint, code="restart-needed")
    check_settings(new)
    return new


def lines_of(error: CitewireError) -> tuple[str, ...]:
    """Return an error and all further ones, as commands print them."""
    return tuple(str(one) for one in (error, *getattr(error, "further", ())))


class Replacement:
    """Replaces running processes by new ones, one after the other. `step` is called often, and never waits."""

    def __init__(self, children: Sequence[Child], *, grace: float) -> None:
        self._left = list(children)
        self._grace = grace
        self._stopped = 0.0  # when the first of `_left` was asked to end
        self._former: int | None = None

    @property
    def done(self) -> bool:
        return not self._left

    def step(self) -> None:
        if not self._left:
            return
        child = self._left[0]
        process = child.process
        if not self._stopped:
            self._stopped, self._former = time.monotonic(), process.pid if process else None
            child.stop()
            return
        waited = time.monotonic() - self._stopped
        is_new = process is not None and process.pid != self._former
        if not is_new and waited > self._grace and process is not None:
            process.kill()
        if is_new and (child.seen is not None or waited > self._grace + _SILENT):
            _log.info("has the new settings", child=child.name)
            self._left.pop(0)
            self._stopped = 0.0
