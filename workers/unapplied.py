"""Whether the settings on disk are those in force."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from config import COPY, load
from config.digest import digest_of
from pipeline.errors import ConfigError
from pipeline.ledger.attention import UnappliedSettings

if TYPE_CHECKING:
    from config.settings import Settings


def unapplied_of(settings: Settings) -> Callable[[], UnappliedSettings | None]:
    """Return a check whether the file still says what it said when a process read these settings from it.

    The file is read again only once it has changed: the check is made every few seconds.
    """
    file, digest = settings.file, digest_of(settings)
    seen: tuple[object, UnappliedSettings | None] = (None, None)

    def check() -> UnappliedSettings | None:
        nonlocal seen
        if file is None:
            return None
        version = _version(file)
        if version != seen[0]:
            seen = (version, _compared(settings, file, digest))
        return seen[1]

    return check


def _compared(settings: Settings, file: Path, digest: str) -> UnappliedSettings | None:
    environment = {name: value for name, value in os.environ.items() if name != COPY}
    try:
        is_same = digest_of(load(environment, file=file, data=settings.data)) == digest
    except ConfigError as error:
        return UnappliedSettings(since=changed(file), error=str(error))
    return None if is_same else UnappliedSettings(since=changed(file))


def changed(file: Path | None) -> dt.datetime:
    """Return when the file was changed, or 1970 if it is not there."""
    try:
        at = file.stat().st_mtime if file is not None else 0.0
    except OSError:
        at = 0.0
    return dt.datetime.fromtimestamp(at, dt.UTC)


def _version(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
