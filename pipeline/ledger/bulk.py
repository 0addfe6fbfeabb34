"""Actions on all articles that matched a search.

The articles are written down when their number is shown, each with its newest revision. So an action concerns exactly
those, and an article that was changed since is recognised. A started action is a row that is due until all of them
have been dealt with: whatever is killed, the next process goes on after the last portion that was committed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.tables import articles, bulk_actions, bulk_articles, deliveries

Action = Literal["replay", "publish-again", "release", "withdraw"]

KEPT = dt.timedelta(hours=1)  # an action that was prepared and not started
_LEASE = 60.0  # seconds, far longer than a portion takes


class Chosen(Struct, frozen=True):
    """An article, and its newest revision when it was looked at."""

    article: str
    revision: int


class Bulk(Struct, frozen=True, kw_only=True):
    """An action on all of its articles. `due` is None until it is started."""

    operation: str
    action: Action
    by: str
    seen: dt.datetime
    count: int
    reason: str | None = None
    position: int = 0
    due: dt.datetime | None = None
    attempts: int = 0


_COLUMNS = tuple(bulk_actions.c[name] for name in Bulk.__struct_fields__)


def prepare(transaction: Transaction, new: Bulk, chosen: Sequence[Chosen]) -> None:
    """Record an action and its articles, in place of what the same person had prepared and not started."""
    former = (bulk_actions.c.by == new.by, bulk_actions.c.due.is_(None))
    _delete(transaction, list(transaction.scalars(sa.select(bulk_actions.c.operation).where(*former))))
    values = {name: getattr(new, name) for name in Bulk.__struct_fields__}
    transaction.execute(sa.insert(bulk_actions).values(**values))
    rows = (
        {"operation": new.operation, "number": number, "article": one.article, "revision": one.revision}
        for number, one in enumerate(chosen, start=1)
    )
    for some in chunks(rows, 5_000):
        transaction.execute(sa.insert(bulk_articles), some)


def find(transaction: Transaction, operation: str) -> Bulk | None:
    """Return an action that is prepared or being carried out."""
    return _one(transaction, bulk_actions.c.operation == operation)


def _one(transaction: Transaction, *where: sa.ColumnElement[bool], lock: bool = False) -> Bulk | None:
    query = sa.select(*_COLUMNS).where(*where)
    row = transaction.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Bulk(**row._mapping)


def start(transaction: Transaction, operation: str, *, reason: str | None, now: dt.datetime) -> bool:
    """Make a prepared action due; return False if it was started or replaced meanwhile."""
    waits = (bulk_actions.c.operation == operation, bulk_actions.c.due.is_(None))
    return transaction.execute(sa.update(bulk_actions).where(*waits).values(due=now, reason=reason)).rowcount == 1


# --- what it concerns -----------------------------------------------------------------------------------------------


class Holder(Struct, frozen=True):
    """A place that has some of the articles. `channel` is None for the site itself."""

    channel: str | None
    articles: int


def holders(transaction: Transaction, operation: str) -> list[Holder]:
    """Return who has how many of the articles now: the site, then each channel by name."""
    mine = bulk_articles.c.operation == operation
    shown = (articles.c.state == "live", articles.c.rendered.is_not(None))
    of_site = sa.select(sa.func.count()).join_from(bulk_articles, articles, articles.c.id == bulk_articles.c.article)
    at_site = transaction.scalar(of_site.where(mine, *shown)) or 0
    has_it = (deliveries.c.delivered_revision.is_not(None), deliveries.c.delivered_event != "withdrawn")
    of_channels = (
        sa.select(deliveries.c.channel, sa.func.count())
        .join_from(bulk_articles, deliveries, deliveries.c.article == bulk_articles.c.article)
        .where(mine, *has_it)
        .group_by(deliveries.c.channel)
        .order_by(deliveries.c.channel)
    )
    found = [Holder(None, at_site)] if at_site else []
    return found + [Holder(*row) for row in transaction.execute(of_channels)]


# --- carrying it out ------------------------------------------------------------------------------------------------


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, bulk_actions, now)


def due_rows(now: dt.datetime) -> DueRows:
    return claims.due_rows(bulk_actions, now)


def claim(transaction: Transaction, *, token: str, now: dt.datetime) -> list[str]:
    """Lease the action that has waited longest."""
    return _DUE.claim(transaction, token=token, now=now, seconds=_LEASE, limit=1)


def release(transaction: Transaction, operations: Sequence[str], *, token: str) -> None:
    _DUE.release(transaction, operations, token=token)


_DUE = Claims(bulk_actions.c.operation)


def claimed(transaction: Transaction, operation: str, *, token: str) -> Bulk | None:
    """Return a claimed action with its row locked, or None if another process has claimed it by now."""
    return _one(transaction, bulk_actions.c.operation == operation, bulk_actions.c.lease == token, lock=True)


def portion(transaction: Transaction, one: Bulk, *, limit: int) -> list[Chosen]:
    """Return the articles that are dealt with next."""
    columns = (bulk_articles.c.article, bulk_articles.c.revision)
    mine = (bulk_articles.c.operation == one.operation, bulk_articles.c.number > one.position)
    query = sa.select(*columns).where(*mine).order_by(bulk_articles.c.number).limit(limit)
    return [Chosen(*row) for row in transaction.execute(query)]


def go_on(transaction: Transaction, one: Bulk, *, position: int, now: dt.datetime) -> None:
    """Record up to where it has come, and let other actions have their turn."""
    reached = {"position": position, "due": now, "attempts": 0, "error": None, "lease": None, "leased_until": None}
    transaction.execute(sa.update(bulk_actions).where(bulk_actions.c.operation == one.operation).values(**reached))


def put_off(
    transaction: Transaction, operation: str, *, token: str, due: dt.datetime, error: str, counts: bool
) -> None:
    """Make the next portion due again, because it failed. `counts`: for a reason that may lie in an article."""
    mine = (bulk_actions.c.operation == operation, bulk_actions.c.lease == token)
    attempts = bulk_actions.c.attempts + int(counts)
    later = {"due": due, "error": error, "attempts": attempts, "lease": None, "leased_until": None}
    transaction.execute(sa.update(bulk_actions).where(*mine).values(**later))


def attempts_at(transaction: Transaction, operation: str) -> int:
    found = transaction.scalar(sa.select(bulk_actions.c.attempts).where(bulk_actions.c.operation == operation))
    return found or 0


def end(transaction: Transaction, one: Bulk) -> None:
    """Forget an action that has come to its end: the operation has what became of each article."""
    _delete(transaction, [one.operation])


def forget(transaction: Transaction, *, now: dt.datetime) -> None:
    """Forget actions that were prepared a while ago and not started."""
    old = (bulk_actions.c.due.is_(None), bulk_actions.c.seen < now - KEPT)
    _delete(transaction, list(transaction.scalars(sa.select(bulk_actions.c.operation).where(*old))))


def _delete(transaction: Transaction, operations: Sequence[str]) -> None:
    transaction.execute(sa.delete(bulk_articles).where(bulk_articles.c.operation.in_(operations)))
    transaction.execute(sa.delete(bulk_actions).where(bulk_actions.c.operation.in_(operations)))
