"""Make articles due for rendering because something was learnt of what they cite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from pipeline.ledger import Transaction, articles, evidence
from pipeline.stages.context import Context


def make_due(context: Context, transaction: Transaction, article_ids: Collection[str], now: dt.datetime) -> list[str]:
    """Make the articles due for rendering. Those whose references are all answered are due at once, and returned."""
    waiting = evidence.waiting(transaction, article_ids)
    complete = [article for article in article_ids if article not in waiting]
    articles.make_due(transaction, complete, due=now)
    articles.make_due(transaction, sorted(waiting), due=now + dt.timedelta(seconds=context.policy.evidence_wait))
    return complete
