"""Withdraw an article, for a withdrawal or a hold."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction, articles, deliveries, evidence, feeds, findings
from pipeline.ledger.articles import ArticleState, revisions
from pipeline.model.revision import next_update


def take_back(
    transaction: Transaction, current: ArticleState, *, event_id: str | None, reason: str, now: dt.datetime
) -> list[str]:
    """Add a revision without content, schedule it for every channel that may have seen the article, and return those.

    `event_id` is None if no event asked for it.
    """
    number = findings.next_number(transaction, current.id, current.revision)
    updated = next_update(revisions.last_update(transaction, current.id), now)
    revisions.add(
        transaction,
        current.id,
        number,
        event="withdrawn",
        event_id=event_id,
        now=updated,
        updated=updated,
        reason=reason,
    )
    evidence.cite(transaction, current.id, (), now=now)
    channels, shown = [], None
    if _may_have_been_seen(transaction, current):
        channels = deliveries.schedule_withdrawal(transaction, current.id, revision=number, now=now)
        # For the feeds that contain it, whatever this process's settings.
        feeds.changed(transaction, {current.id: ()}, now=now)
        shown = number
    gone = articles.changed(
        current, state="withdrawn", revision=number, rendered=shown, updated=updated, due=None, error=None
    )
    articles.save(transaction, gone)
    return channels


def _may_have_been_seen(transaction: Transaction, current: ArticleState) -> bool:
    """Return whether anyone may have seen the article since its last withdrawal.

    After a restore that may be so although it was never published by this ledger.
    """
    return (
        current.rendered is not None
        or deliveries.may_be_shown(transaction, current.id)
        or findings.is_shown(transaction, current.id)
    )
