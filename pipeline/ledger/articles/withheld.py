"""Articles that are withheld from a channel, or from everyone, because of their evidence, and why."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import withheld

EVERYWHERE = ""  # instead of a channel's id: the article was withdrawn from every channel and from the site

Cause = Literal["gate", "hold"]


class Withheld(Struct, frozen=True, kw_only=True):
    """Why an article is withheld: by the channel's `gate`, or on `hold` until an operator decides."""

    channel: str
    cause: Cause
    reason: str
    references: tuple[str, ...]  # at fault: "pmid:123", "doi:10.1/x"
    revision: int  # the revision for which this was found
    since: dt.datetime


def put(transaction: Transaction, article_id: str, new: Withheld) -> None:
    """Record why an article is withheld, replacing an earlier reason. `since` is kept while the cause is the same."""
    values = {
        "cause": new.cause,
        "reason": new.reason,
        "pmids": json.dumps(list(new.references)),
        "revision": new.revision,
    }
    row = insert(transaction, withheld).values(article=article_id, channel=new.channel, since=new.since, **values)
    since = sa.case((withheld.c.cause == new.cause, withheld.c.since), else_=row.excluded.since)
    key = [withheld.c.article, withheld.c.channel]
    transaction.execute(row.on_conflict_do_update(index_elements=key, set_=values | {"since": since}))


def lift(transaction: Transaction, article_id: str, channels: Sequence[str] | None = None) -> None:
    """Record that the article is no longer withheld from these channels (None: from any)."""
    if channels is None:
        transaction.execute(_LIFT, {"of_article": article_id})
    else:
        transaction.execute(_LIFT_FROM, {"of_article": article_id, "these": list(channels)})


_LIFT = sa.delete(withheld).where(withheld.c.article == sa.bindparam("of_article"))
_LIFT_FROM = _LIFT.where(one_of(withheld.c.channel, "these"))


def of_article(transaction: Transaction, article_id: str) -> dict[str, Withheld]:
    """Return why an article is withheld, by channel, sorted by name."""
    return of_articles(transaction, [article_id]).get(article_id, {})


_OF_ARTICLES = sa.select(withheld).where(one_of(withheld.c.article, "of_articles")).order_by(withheld.c.channel)


def of_articles(transaction: Transaction, article_ids: Collection[str]) -> dict[str, dict[str, Withheld]]:
    """Do as `of_article` for each; articles that are not withheld are left out."""
    found: dict[str, dict[str, Withheld]] = {}
    for some in chunks(sorted(article_ids)):
        for row in transaction.execute(_OF_ARTICLES, {"of_articles": some}):
            found.setdefault(row.article, {})[row.channel] = _withheld(row)
    return found


_REASON = sa.select(withheld.c.reason).where(
    withheld.c.article == sa.bindparam("of_article"), withheld.c.channel == sa.bindparam("from_channel")
)


def reason(transaction: Transaction, article_id: str, channel: str) -> str | None:
    """Return why the channel must not have the article, or None if it may."""
    return transaction.scalar(_REASON, {"of_article": article_id, "from_channel": channel})


def counts(transaction: Transaction) -> dict[str, int]:
    """Count the withheld articles by cause."""
    rows = transaction.execute(sa.select(withheld.c.cause, sa.func.count()).group_by(withheld.c.cause))
    return dict(rows.all())


def _withheld(row: Any) -> Withheld:
    return Withheld(
        channel=row.channel,
        cause=row.cause,
        reason=row.reason,
        references=tuple(json.loads(row.pmids)),
        revision=row.revision,
        since=row.since,
    )
