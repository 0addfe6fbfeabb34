"""The names of renamed articles, which appear in their addresses. An article keeps its original id.

A name is secret until a revision with it is published, because an update under an embargo may rename its article.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.tables import article_names as names


def article_named(transaction: Transaction, name: str) -> str:
    """Return the id of the article that has or had this name; an unknown name is itself an id."""
    return transaction.scalar(sa.select(names.c.article).where(names.c.name == name)) or name


def article_shown_as(transaction: Transaction, name: str) -> str:
    """Return the id of the article that has or had this name in public; any other name is itself an id."""
    shown = sa.select(names.c.article).where(names.c.name == name, names.c.shown)
    return transaction.scalar(shown) or name


def is_shown(transaction: Transaction, name: str) -> bool:
    """Return whether a revision with this name in its address was ever published."""
    return transaction.scalar(sa.select(names.c.shown).where(names.c.name == name)) or False


def show(transaction: Transaction, shown: Collection[str]) -> None:
    """Record that revisions with these names in their addresses are published."""
    for some in chunks(sorted(shown)):
        transaction.execute(sa.update(names).where(names.c.name.in_(some)).values(shown=True))


def current(transaction: Transaction, article_id: str) -> str:
    """Return the article's latest name, which is its id unless it was renamed."""
    now = sa.select(names.c.name).where(names.c.article == article_id, names.c.current)
    return transaction.scalar(now) or article_id


def shown_of(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str]:
    """Return the present names of those of the articles that were renamed and are out under that name.

    One that is only to be renamed, by an update under embargo, is left out: its former addresses still lead to it.
    """
    found: dict[str, str] = {}
    for some in chunks(sorted(article_ids), 500):
        where = (names.c.article.in_(some), names.c.current, names.c.shown)
        query = sa.select(names.c.article, names.c.name).where(*where)
        found |= dict(transaction.execute(query).all())
    return found


def rename(transaction: Transaction, article_id: str, name: str) -> None:
    """Give an article a new name. Its former names still lead to it."""
    transaction.execute(sa.update(names).where(names.c.article == article_id).values(current=False))
    if name != article_id:
        row = insert(transaction, names).values(name=name, article=article_id, current=True, shown=False)
        changed = {"article": article_id, "current": True}
        transaction.execute(row.on_conflict_do_update(index_elements=[names.c.name], set_=changed))
