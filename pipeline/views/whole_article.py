"""One article as an operator looks at it: its history, the evidence of each reference, and every place that has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger.articles import public, revisions
from pipeline.ledger.articles.revisions import Line
from pipeline.ledger.deliveries import attempts, channel_contents
from pipeline.views.articles import ArticleStatus, article, shown_content
from pipeline.views.deliveries import Delivery
from pipeline.views.statements import ReferenceEvidence, evidence_of

MOST_REVISIONS = 50


@dataclass(frozen=True, slots=True)
class Holder:
    """A channel or place: what it should have of the article, what it has, and what it answered last."""

    delivery: Delivery
    has: int | None  # the revision that is there; None: nothing
    since: dt.datetime | None
    answered: attempts.Attempt | None


@dataclass(frozen=True, slots=True)
class WholeArticle:
    status: ArticleStatus
    site_has: int | None  # the revision that readers of the site see
    holders: tuple[Holder, ...]
    references: tuple[ReferenceEvidence, ...]
    next_review: dt.date | None
    revisions: tuple[Line, ...]  # the newest first, at most `MOST_REVISIONS`

    @property
    def who_has_it(self) -> tuple[str, ...]:
        """Who shows the article now."""
        site = ("this site",) if self.site_has is not None else ()
        return (*site, *(one.delivery.channel for one in self.holders if one.has is not None))

    @property
    def abandoned(self) -> int:
        return sum(one.delivery.state == "abandoned" for one in self.holders)


def whole_article(transaction: Transaction, name: str) -> WholeArticle | None:
    """Return everything about an article, or None if there is none of this id or name."""
    status = article(transaction, name)
    if status is None:
        return None
    current = articles.get(transaction, status.article)
    assert current is not None
    content = shown_content(transaction, current)
    cited = evidence.references_of(transaction, content) if content else ()
    shown = public.find(transaction, current.id)
    return WholeArticle(
        status=status,
        site_has=shown.revision if shown and shown.state == "live" else None,
        holders=_holders(transaction, status.article, status.deliveries),
        references=tuple(evidence_of(transaction, cited, meant=content.cites_retracted if content else ())),
        next_review=content.next_review if content else None,
        revisions=tuple(revisions.history(transaction, current.id, limit=MOST_REVISIONS)),
    )


def _holders(transaction: Transaction, article_id: str, found: Sequence[Delivery]) -> tuple[Holder, ...]:
    since = channel_contents.since(transaction, article_id)
    last = attempts.last_of(transaction, [one.id for one in found])
    return tuple(_holder(one, since.get(one.channel), last.get(one.id)) for one in found)


def _holder(one: Delivery, since: dt.datetime | None, last: attempts.Attempt | None) -> Holder:
    gone = one.event == "withdrawn" and one.state == "delivered"
    return Holder(one, None if gone else one.held, since, last)
