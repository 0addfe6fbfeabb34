"""What is due: the few questions that the sweep asks. Each is answered from an index, whatever lies behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.claims import is_due
from pipeline.ledger.database import Transaction
from pipeline.ledger.evidence import identifiers, rechecks
from pipeline.ledger.tables import articles, channels, deliveries, feeds, proofs


class Due(Struct, frozen=True):
    enrich: bool
    render: bool
    feeds: bool
    withdrawals: tuple[str, ...]  # channels that are owed one
    deliveries: tuple[str, ...]  # channels that are owed anything else
    prove: bool  # withdrawals that a channel took are to be looked for


def look(transaction: Transaction, channel_ids: Iterable[str], *, now: dt.datetime, night: bool = True) -> Due:
    """`channel_ids`: the configured ones. What is owed to a channel that is configured no more waits for it.

    `night`: whether what PubMed is asked about at night only is due too.
    """
    paused = set(transaction.scalars(sa.select(channels.c.id).where(channels.c.paused_until > now)))
    awake = [channel for channel in channel_ids if channel not in paused]
    return Due(
        enrich=rechecks.any_due(transaction, now=now, night=night) or identifiers.any_due(transaction, now=now),
        render=_any(transaction, articles, now),
        feeds=_any(transaction, feeds, now),
        withdrawals=_owed(transaction, awake, now, deliveries.c.urgency == 0),
        deliveries=_owed(transaction, awake, now, deliveries.c.urgency == 1),
        prove=_any(transaction, proofs, now),
    )


def _any(transaction: Transaction, table: sa.Table, now: dt.datetime, *where: sa.ColumnElement[bool]) -> bool:
    return (
        transaction.execute(
            sa.select(sa.literal(1)).select_from(table).where(is_due(table, now), *where).limit(1)
        ).first()
        is not None
    )


def _owed(
    transaction: Transaction, channel_ids: list[str], now: dt.datetime, urgency: sa.ColumnElement[bool]
) -> tuple[str, ...]:
    return tuple(
        channel
        for channel in channel_ids
        if _any(transaction, deliveries, now, deliveries.c.channel == channel, urgency)
    )
