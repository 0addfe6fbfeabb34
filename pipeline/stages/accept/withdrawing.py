"""Take an article back. A withdrawal and a hold do the same."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction, articles, deliveries, evidence, feeds
from pipeline.ledger.articles import Standing, revisions
from pipeline.model.revision import next_update


def take_back(
    transaction: Transaction, standing: Standing, *, event_id: str | None, reason: str, now: dt.datetime
) -> list[str]:
    """Add a revision without content, schedule it for every channel that may have seen the article, and return those.

    `event_id`: None where no event asked for it.
    """
    number = standing.revision + 1
    updated = next_update(revisions.last_update(transaction, standing.id), now)
    revisions.add(
        transaction,
        standing.id,
        number,
        event="withdrawn",
        event_id=event_id,
        now=updated,
        updated=updated,
        reason=reason,
    )
    evidence.cite(transaction, standing.id, (), now=now)
    channels = deliveries.schedule_withdrawal(transaction, standing.id, revision=number, now=now)
    feeds.changed(transaction, standing.id, now=now)  # those that hold it, whatever settings this process has
    shown = None if standing.rendered is None else number
    gone = articles.changed(
        standing, state="withdrawn", revision=number, rendered=shown, updated=updated, due=None, error=None
    )
    articles.set_standing(transaction, gone)
    return channels
