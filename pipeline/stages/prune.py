"""Housekeeping: old attempts go. What each channel holds, and every revision, stay for ever."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import attempts
from pipeline.stages.context import Context


def prune(context: Context, *, older_than: dt.timedelta) -> int:
    """Forget attempts that are older than this. How many."""
    with context.ledger.write() as transaction:
        return attempts.forget(transaction, before=context.clock() - older_than)
