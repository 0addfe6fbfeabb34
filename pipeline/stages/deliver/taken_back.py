"""What the ledger knows of an article that is taken back from a channel, or of one that is taken back from many."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from msgspec import Struct, structs

from pipeline.ledger import Transaction, articles, places
from pipeline.ledger.articles import revisions, withheld
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.model.revision import Withdrawal

_EMPTIED = "The publisher no longer provides its articles here."  # the reason of a withdrawal from such a place


class TakenBack(Struct, frozen=True):
    """An article that is taken back. `erase`: nothing of it is to remain in the place, which is being emptied."""

    withdrawal: Withdrawal
    topics: frozenset[str]
    erase: bool


def taken_back(transaction: Transaction, row: Delivery, at: dt.datetime) -> TakenBack:
    """Return what is needed for a withdrawal, also of a revision that the ledger lacks."""
    known = revisions.withdrawal_if_known(transaction, row.article, row.target_revision)
    return _from(
        known or _unknown(transaction, row, at),
        articles.topics_of(transaction, row.article),
        withheld.reason(transaction, row.article, row.channel),
        erase=places.is_emptying(transaction, row.channel),
    )


def taken_back_from_many(transaction: Transaction, rows: Iterable[Delivery]) -> dict[str, TakenBack]:
    """Return the same by the deliveries' ids, with a few statements for each article.

    An article that is taken back from a single channel is left out, and so is a revision that the ledger lacks.
    """
    by_revision: dict[tuple[str, int], list[Delivery]] = {}
    for row in rows:
        if row.urgency == WITHDRAWAL:
            by_revision.setdefault((row.article, row.target_revision), []).append(row)
    several = {key: mine for key, mine in by_revision.items() if len(mine) > 1}
    if not several:
        return {}
    reasons = withheld.of_articles(transaction, {article for article, _ in several})
    emptying = places.emptying(transaction)
    found = {}
    for (article, number), mine in several.items():
        known = revisions.withdrawal_if_known(transaction, article, number)
        if known is not None:
            topics, why = articles.topics_of(transaction, article), reasons.get(article, {})
            for row in mine:
                own = why.get(row.channel)
                found[row.id] = _from(known, topics, None if own is None else own.reason, erase=row.channel in emptying)
    return found


def _from(known: Withdrawal, topics: frozenset[str], why: str | None, *, erase: bool) -> TakenBack:
    reason = why or known.reason or (_EMPTIED if erase else "")
    return TakenBack(structs.replace(known, reason=reason), topics, erase)


def _unknown(transaction: Transaction, row: Delivery, at: dt.datetime) -> Withdrawal:
    """Return the withdrawal of a revision that a place got after the backup which was restored."""
    state = articles.get(transaction, row.article)
    return Withdrawal(
        article_id=row.article,
        title=row.article if state is None else state.title,
        number=row.target_revision,
        reason="",
        published=at if state is None else state.published,
        withdrawn=at,
        language="en" if state is None else state.language,
    )
