"""The traces that articles are part of, as `traceparent` of the spans in which their events were accepted."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import articles, events, revisions


def of_articles(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str]:
    """Return the traces of the events that articles are about to be rendered for, by article.

    What is rendered for another reason, such as new evidence, is no part of the trace.
    """
    found: dict[str, str] = {}
    for some in chunks(sorted(article_ids)):
        found.update((row.id, row.trace) for row in transaction.execute(_NEWS, {"of_articles": some}))
    return found


_NEWS = (
    sa.select(articles.c.id, events.c.trace)
    .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == articles.c.revision))
    .join(events, events.c.id == revisions.c.event_id)
    .where(
        one_of(articles.c.id, "of_articles"),
        sa.or_(articles.c.rendered.is_(None), articles.c.rendered < articles.c.revision),
        events.c.trace.is_not(None),
    )
)
