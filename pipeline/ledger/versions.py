"""Short versions of what a page shows, which change with it: look-ups, counts of what waits, a pass over channels."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.operations import still_owed
from pipeline.ledger.tables import (
    articles,
    attempts,
    bulk_actions,
    channels,
    deliveries,
    evidence_changes,
    evidence_sources,
    feed_entries,
    leases,
    operation_parts,
    operations,
    withheld,
)

_TROUBLE = (channels.c.paused, channels.c.disabled, channels.c.opened, channels.c.failing)


def of_site(transaction: Transaction, now: dt.datetime) -> str:
    """Return a version of everything that needs people or goes on. It changes each minute, too, as ages do."""
    waits = articles.c.due.is_not(None)
    signs = [one for column in _TROUBLE for one in (sa.func.count(column), sa.func.max(column))]
    questions: list[sa.Select[Any]] = [
        sa.select(sa.func.max(attempts.c.id)),
        sa.select(sa.func.max(operations.c.at)),
        sa.select(sa.func.max(articles.c.updated)),
        sa.select(sa.func.count()).select_from(articles).where(waits),
        sa.select(sa.func.max(articles.c.due)).where(waits),
        sa.select(sa.func.max(evidence_changes.c.id)),
        sa.select(sa.func.count()).select_from(withheld),
        sa.select(sa.func.sum(leases.c.failures)),
        sa.select(sa.func.max(evidence_sources.c.failing)),
        sa.select(sa.func.sum(bulk_actions.c.position)),
    ]
    row = transaction.execute(sa.select(*(one.scalar_subquery() for one in questions))).one()
    troubles = transaction.execute(sa.select(*signs)).one()
    return _version(*row, *troubles, int(now.timestamp() // 60))


def of_articles(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str]:
    """Return a version of each article with its deliveries and its entries in feeds."""
    columns = ("id", "revision", "rendered", "state", "due")
    stands = sa.select(*(articles.c[name] for name in columns)).where(articles.c.id.in_(article_ids))
    sent = (
        sa.select(
            deliveries.c.article,
            sa.func.count(),
            sa.func.max(sa.type_coerce(deliveries.c.changed, sa.BigInteger())),
            sa.func.count(deliveries.c.due),
            sa.func.sum(deliveries.c.attempts),
        )
        .where(deliveries.c.article.in_(article_ids))
        .group_by(deliveries.c.article)
    )
    held = sa.select(withheld.c.article, sa.func.count()).where(withheld.c.article.in_(article_ids))
    entries = sa.select(feed_entries.c.article, sa.func.count(), sa.func.max(feed_entries.c.revision))
    listed = entries.where(feed_entries.c.article.in_(article_ids)).group_by(feed_entries.c.article)
    counted = (
        {row[0]: tuple(row[1:]) for row in transaction.execute(query)}
        for query in (stands, sent, held.group_by(withheld.c.article), listed)
    )
    first, *others = counted
    return {id: _version(row, *(one.get(id) for one in others)) for id, row in first.items()}


def of_operations(transaction: Transaction, operation_ids: Collection[str]) -> dict[str, str]:
    """Return a version of each operation with its parts and, of a replay, with what has not arrived yet."""
    begun = sa.select(operations.c.id, operations.c.kind, operations.c.ended)
    found = transaction.execute(begun.where(operations.c.id.in_(operation_ids))).all()
    parts = (
        sa.select(operation_parts.c.operation, sa.func.max(operation_parts.c.number))
        .where(operation_parts.c.operation.in_(operation_ids))
        .group_by(operation_parts.c.operation)
    )
    numbers = dict(transaction.execute(parts).all())
    owed = still_owed(transaction, [one.id for one in found if one.kind == "replay"])
    return {one.id: _version(one.ended, numbers.get(one.id), owed.get(one.id)) for one in found}


def _version(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
