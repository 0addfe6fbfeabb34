"""Open the ledger of a system, for processes and for commands that need nothing else of it."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from config import Settings
from pipeline.errors import ConfigError
from pipeline.ledger import Ledger
from pipeline.ledger.failures import disk_full


def open_ledger(settings: Settings) -> Ledger:
    """Open the ledger, creating it if there is none, and migrate its schema."""
    if settings.database_url is None:
        make_data_folder(settings)
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    return ledger


def existing_ledger(settings: Settings) -> Ledger:
    """Open the ledger as it is. Raises ConfigError `ledger-missing` or `ledger-older`; creates nothing."""
    ledger = Ledger(settings.ledger_url)
    ledger.check_schema()
    return ledger


def make_data_folder(settings: Settings) -> Path:
    """Return the data folder, creating it if necessary. Raises ConfigError, or TransientError for a full disk."""
    folder = settings.data.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and (full := disk_full(folder)):
            raise full from error
        hint = "name a folder that can be written to, with --data or CITEWIRE_DATA"
        message = f"{folder} cannot be used: {error.strerror}"
        raise ConfigError(message, key="data", hint=hint, code="data-unusable") from error
