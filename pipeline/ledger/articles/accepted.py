"""Editorial states of cited papers that an operator accepted by releasing an article. Kept for ever.

A released article is not held again for the same state of the same paper, whatever happens to it in between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import accepted_evidence

OVERDUE = "overdue"
"""The state of the review that an article is held for."""

REVIEW = "review:"
"""The prefix of its reference: "review:2026-03-01"."""


class Accepted(Struct, frozen=True):
    """A state of a paper that is no reason to hold the article from a channel; `EVERYWHERE`: from any."""

    channel: str
    reference: str  # "pmid:123", "doi:10.1/x"
    state: str  # an EditorialState, or OVERDUE

    def covers(self, channel: str, reference: str, state: str) -> bool:
        return self.channel in (EVERYWHERE, channel) and (self.reference, self.state) == (reference, state)


def accept(transaction: Transaction, article_id: str, new: Sequence[Accepted], *, by: str, now: dt.datetime) -> None:
    rows = [
        {
            "article": article_id,
            "channel": one.channel,
            "reference": one.reference,
            "state": one.state,
            "at": now,
            "by": by,
        }
        for one in new
    ]
    if rows:
        transaction.execute(insert(transaction, accepted_evidence).on_conflict_do_nothing(), rows)


def of_article(transaction: Transaction, article_id: str) -> tuple[Accepted, ...]:
    columns = (accepted_evidence.c.channel, accepted_evidence.c.reference, accepted_evidence.c.state)
    query = sa.select(*columns).where(accepted_evidence.c.article == article_id).order_by(*columns)
    return tuple(Accepted(*row) for row in transaction.execute(query))
