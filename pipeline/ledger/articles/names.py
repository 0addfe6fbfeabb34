"""The names of articles that were renamed: what their addresses say. An article keeps the id it had at first."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import article_names as names


def article_named(transaction: Transaction, name: str) -> str:
    """Return the id of the article that has or had this name; a name that was never given is an id itself."""
    return transaction.scalar(sa.select(names.c.article).where(names.c.name == name)) or name


def current(transaction: Transaction, article_id: str) -> str:
    """Return the name that stands in an article's address: its id, unless it was renamed."""
    now = sa.select(names.c.name).where(names.c.article == article_id, names.c.current)
    return transaction.scalar(now) or article_id


def rename(transaction: Transaction, article_id: str, name: str) -> None:
    """Give an article another name; what it had before still leads to it."""
    transaction.execute(sa.update(names).where(names.c.article == article_id).values(current=False))
    if name != article_id:
        row = insert(transaction, names).values(name=name, article=article_id, current=True)
        changed = {"article": article_id, "current": True}
        transaction.execute(row.on_conflict_do_update(index_elements=[names.c.name], set_=changed))
