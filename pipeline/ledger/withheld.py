"""Articles that are kept from a channel for the sake of their evidence, and why."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import withheld


def reason(transaction: Transaction, article_id: str, channel: str) -> str | None:
    """Why the channel must not have the article; None where it may."""
    where = (withheld.c.article == article_id, withheld.c.channel == channel)
    return transaction.scalar(sa.select(withheld.c.reason).where(*where))
