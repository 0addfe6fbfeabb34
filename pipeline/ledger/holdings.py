"""What each channel held, and when: written at every delivery, and kept for ever."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import holdings
from pipeline.model.revision import EventType


def add(
    transaction: Transaction,
    *,
    article_id: str,
    channel: str,
    revision: int,
    event: EventType,
    digest: str | None,
    at: dt.datetime,
) -> None:
    """From `at` on the channel holds this revision, or, with the event "withdrawn", nothing of the article."""
    row = {"article": article_id, "channel": channel, "revision": revision, "event": event, "digest": digest, "at": at}
    transaction.execute(sa.insert(holdings).values(**row))
