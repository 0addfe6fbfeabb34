"""Open the ledger of a system, for processes and for commands that need nothing else of it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.ledger import Ledger
from pipeline.ledger.failures import disk_full

if TYPE_CHECKING:
    from config.known import Known
    from config.settings import Settings

_OTHERS = 0o006  # reading and writing
LEDGER = "ledger.sqlite"  # in the data folder, unless `database_url` names another


def open_ledger(settings: Settings | Known) -> Ledger:
    """Open the ledger, creating it if there is none, and migrate its schema."""
    if settings.database_url is None:
        make_private(make_data_folder(settings) / LEDGER)
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    return ledger


def existing_ledger(settings: Settings | Known) -> Ledger:
    """Open the ledger as it is. Raises ConfigError `ledger-missing` or `ledger-older`; creates nothing."""
    ledger = Ledger(settings.ledger_url)
    ledger.check_schema()
    return ledger


def make_private(file: Path) -> None:
    """Let only its owner read the ledger, which holds articles under an embargo, whatever the folder's mode is.

    SQLite gives the files beside it the same mode. Raises ConfigError if the mode cannot be corrected.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        for one in (file, *(file.with_name(f"{file.name}-{suffix}") for suffix in ("wal", "shm"))):
            if one.exists() and stat.S_IMODE(one.stat().st_mode) & 0o077:
                one.chmod(0o600)
    except OSError as error:
        hint = f"make it belong to the user that runs Citewire: chown {file}"
        message = f"{file} can be read by others, which cannot be changed: {error.strerror}"
        raise ConfigError(message, key="data", hint=hint, code="data-unusable") from error


def make_data_folder(settings: Settings | Known) -> Path:
    """Return the data folder, creating it if necessary. Raises ConfigError, or TransientError for a full disk.

    Others must not list it. They may pass through it if its mode says so: a web server may serve the store's `public`.
    """
    folder = settings.data.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (mode := stat.S_IMODE(folder.stat().st_mode)) & _OTHERS:
            folder.chmod(mode & ~_OTHERS)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and (full := disk_full(folder)):
            raise full from error
        hint = "name a folder that can be written to, with --data or CITEWIRE_DATA"
        message = f"{folder} cannot be used: {error.strerror}"
        raise ConfigError(message, key="data", hint=hint, code="data-unusable") from error
