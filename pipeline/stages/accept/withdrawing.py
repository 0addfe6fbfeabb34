"""Taking an article back: the same whether a publisher does it or a hold."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction, articles, deliveries, evidence, feeds
from pipeline.ledger.articles import Standing, revisions


def take_back(
    transaction: Transaction, standing: Standing, *, event_id: str | None, reason: str, now: dt.datetime
) -> list[str]:
    """The next revision has no content, and every channel that may have seen the article is owed that. Which ones.

    `event_id`: None where no event asked for it.
    """
    number = standing.revision + 1
    revisions.add(
        transaction,
        standing.id,
        number,
        event="withdrawn",
        event_id=event_id,
        now=now,
        updated=max(now, standing.updated),
        reason=reason,
    )
    evidence.cite(transaction, standing.id, (), now=now)
    channels = deliveries.owe_withdrawal(transaction, standing.id, revision=number, now=now)
    feeds.changed(transaction, standing.id, now=now)  # those that hold it, whatever settings this process has
    shown = None if standing.rendered is None else number
    gone = articles.changed(
        standing, state="withdrawn", revision=number, rendered=shown, updated=now, due=None, error=None
    )
    articles.set_standing(transaction, gone)
    return channels
