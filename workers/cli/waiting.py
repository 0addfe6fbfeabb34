"""What is waiting to be rendered and why, and how much space is left on the data folder's disk."""

from __future__ import annotations

import datetime as dt
import shutil
from typing import Any

from config import Settings
from pipeline.ledger import Transaction, articles

_PATIENCE = dt.timedelta(seconds=5)  # an article may be due this long unnoticed: the sweep runs each second


def waiting_of(transaction: Transaction, settings: Settings, now: dt.datetime) -> dict[str, Any]:
    """Return how many articles are overdue, an error that keeps one waiting, and the number of free bytes."""
    count, error = articles.waiting(transaction, now - _PATIENCE)
    folder = settings.data.absolute()
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # the ledger is elsewhere, and nothing has run on this machine
        free = None
    return {"articles": count, "error": error, "folder": str(folder), "free": free}
