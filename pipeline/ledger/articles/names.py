"""The names of renamed articles, which appear in their addresses. An article keeps its original id.

A name is secret until a revision with it is published, because an update under an embargo may rename its article.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import article_names as names

_NAMED = sa.select(names.c.article).where(names.c.name == sa.bindparam("of_name"))
_SHOWN_AS = _NAMED.where(names.c.shown)
_IS_SHOWN = sa.select(names.c.shown).where(names.c.name == sa.bindparam("of_name"))
_SHOW = sa.update(names).where(one_of(names.c.name, "these")).values(shown=True)
_SHOWN_OF = sa.select(names.c.article, names.c.name).where(
    one_of(names.c.article, "of_articles"), names.c.current, names.c.shown
)
_CURRENT = sa.select(names.c.name).where(names.c.article == sa.bindparam("of_article"), names.c.current)


def article_named(transaction: Transaction, name: str) -> str:
    """Return the id of the article that has or had this name; an unknown name is itself an id."""
    return transaction.scalar(_NAMED, {"of_name": name}) or name


def article_shown_as(transaction: Transaction, name: str) -> str:
    """Return the id of the article that has or had this name in public; any other name is itself an id."""
    return transaction.scalar(_SHOWN_AS, {"of_name": name}) or name


def is_shown(transaction: Transaction, name: str) -> bool:
    """Return whether a revision with this name in its address was ever published."""
    return transaction.scalar(_IS_SHOWN, {"of_name": name}) or False


def show(transaction: Transaction, shown: Collection[str]) -> None:
    """Record that revisions with these names in their addresses are published."""
    for some in chunks(sorted(shown)):
        transaction.execute(_SHOW, {"these": some})


def current(transaction: Transaction, article_id: str) -> str:
    """Return the article's latest name, which is its id unless it was renamed."""
    return transaction.scalar(_CURRENT, {"of_article": article_id}) or article_id


def shown_of(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str]:
    """Return the present names of those of the articles that were renamed and are out under that name.

    One that is only to be renamed, by an update under embargo, is left out: its former addresses still lead to it.
    """
    found: dict[str, str] = {}
    for some in chunks(sorted(article_ids), 500):
        found |= dict(transaction.execute(_SHOWN_OF, {"of_articles": some}).all())
    return found


def rename(transaction: Transaction, article_id: str, name: str) -> None:
    """Give an article a new name. Its former names still lead to it."""
    transaction.execute(sa.update(names).where(names.c.article == article_id).values(current=False))
    if name != article_id:
        row = insert(transaction, names).values(name=name, article=article_id, current=True, shown=False)
        changed = {"article": article_id, "current": True}
        transaction.execute(row.on_conflict_do_update(index_elements=[names.c.name], set_=changed))
