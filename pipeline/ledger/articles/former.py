"""Articles that another ledger of the same site knows to be withdrawn, and of which a restored one knows nothing."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger import deliveries
from pipeline.ledger.articles import public
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import article_names, articles, contents, revisions, topics
from pipeline.ledger.tables.base import by_key


def bring_withdrawn(here: Transaction, there: Transaction, *, now: dt.datetime) -> list[str]:
    """Copy articles that were published and withdrawn after the backup, and return their ids.

    Their withdrawals may not have reached every channel yet, and the public pages go on saying that they are gone.
    """
    known = set(here.scalars(sa.select(articles.c.id)))
    query = sa.select(articles.c.id, public.number()).where(public.state() == "withdrawn")
    found = [(id, number) for id, number in there.execute(query) if number is not None and id not in known]
    for article_id, number in found:
        _copy(here, there, article_id, number)
        deliveries.withdraw_where_shown(here, article_id, revision=number, now=now)
    return [article_id for article_id, _ in found]


def _copy(here: Transaction, there: Transaction, article_id: str, number: int) -> None:
    """Copy an article as it was when it was withdrawn: what was accepted later has reached nobody."""
    shown = (revisions.c.article == article_id, revisions.c.number <= number)
    its_contents = sa.select(revisions.c.content).where(*shown, revisions.c.content.is_not(None)).scalar_subquery()
    _copy_rows(here, there, contents, contents.c.digest.in_(its_contents))
    _copy_rows(here, there, revisions, *shown)
    _copy_rows(here, there, article_names, article_names.c.article == article_id)
    _copy_rows(here, there, topics, topics.c.article == article_id)
    free = {"due": None, "error": None, "lease": None, "leased_until": None}
    gone = {"state": "withdrawn", "revision": number, "rendered": number, **free}
    _copy_rows(here, there, articles, articles.c.id == article_id, **gone)


def _copy_rows(
    here: Transaction, there: Transaction, table: sa.Table, *where: sa.ColumnElement[bool], **instead: object
) -> None:
    rows = there.execute(sa.select(*by_key(table.c)).where(*where)).mappings()
    copied = [dict(row) | instead for row in rows]
    if copied:
        here.execute(insert(here, table).on_conflict_do_nothing(), copied)
