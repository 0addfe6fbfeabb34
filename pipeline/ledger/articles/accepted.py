"""Editorial states of cited papers that an operator accepted by releasing an article. Kept for ever.

A released article is not held again for the same state of the same paper, whatever happens to it in between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.kept import add_missing, one_of
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
        transaction.execute(_ACCEPT(transaction), rows)


_ACCEPT = add_missing(accepted_evidence)


def of_article(transaction: Transaction, article_id: str) -> tuple[Accepted, ...]:
    return of_articles(transaction, [article_id]).get(article_id, ())


_ACCEPTED = (accepted_evidence.c.channel, accepted_evidence.c.reference, accepted_evidence.c.state)
_OF_ARTICLES = (
    sa.select(accepted_evidence.c.article, *_ACCEPTED)
    .where(one_of(accepted_evidence.c.article, "of_articles"))
    .order_by(*_ACCEPTED)
)


def of_articles(transaction: Transaction, article_ids: Collection[str]) -> dict[str, tuple[Accepted, ...]]:
    """Return what each was released with; articles that were never released are left out."""
    found: dict[str, tuple[Accepted, ...]] = {}
    for some in chunks(sorted(article_ids)):
        for article_id, *row in transaction.execute(_OF_ARTICLES, {"of_articles": some}):
            found[article_id] = (*found.get(article_id, ()), Accepted(*row))
    return found
