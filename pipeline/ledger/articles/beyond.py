"""What another ledger of the same site knows beyond this one, which was restored from a backup."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles import public, revisions
from pipeline.ledger.database import Ledger, Transaction
from pipeline.ledger.tables import articles


class Beyond(Struct, frozen=True, kw_only=True):
    """An article of which the other ledger knows more."""

    article: str
    revision: int
    what: str
    withdrawn: str | None = None  # the reason of a withdrawal that this ledger does not know


def compare(own: Ledger, other: Ledger) -> list[Beyond]:
    """Return the articles that are newer in the other ledger, by id. The other one is closed."""
    try:
        with own.read() as here, other.read() as there:
            known = _public(here)
            return [
                _beyond(there, id, *state, known.get(id))
                for id, state in sorted(_public(there).items())
                if id not in known or state[1] > known[id][1]
            ]
    finally:
        other.close()


def _public(transaction: Transaction) -> dict[str, tuple[str, int]]:
    query = sa.select(articles.c.id, public.state(), public.number()).where(public.number().is_not(None))
    return {id: (state, number) for id, state, number in transaction.execute(query)}


def _beyond(there: Transaction, id: str, state: str, number: int, known: tuple[str, int] | None) -> Beyond:
    if known is None:
        return Beyond(article=id, revision=number, what=f"{state} there, not in the backup")
    if state == "withdrawn" and known[0] == "live":
        reason = revisions.withdrawal(there, id, number).reason
        return Beyond(article=id, revision=number, what="withdrawn since, and again now", withdrawn=reason)
    return Beyond(article=id, revision=number, what=f"{state} there, revision {known[1]} in the backup")
