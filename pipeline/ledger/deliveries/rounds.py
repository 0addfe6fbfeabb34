"""The ledger's side of a round: one delivery to each of many healthy channels, claimed and begun in one transaction.

Nothing here waits for a row lock, so that a round and a change to many of its rows never wait for each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction
from pipeline.ledger.deliveries import (
    IS_NORMAL,
    IS_WITHDRAWAL,
    MAY_WAIT,
    WITHDRAWAL,
    blocking_withdrawal,
    sending,
)
from pipeline.ledger.deliveries.sending import PendingDelivery
from pipeline.ledger.tables import channels, deliveries

_BACKLOG = 5  # due deliveries, from which a channel is sent batches


def claim(
    transaction: Transaction,
    channel_ids: Collection[str],
    *,
    token: str,
    now: dt.datetime,
    seconds: float,
    withdrawals: bool = False,
) -> list[PendingDelivery]:
    """Lease the first due delivery of each channel to which nothing is being sent, and mark it as being sent.

    With `withdrawals`, nothing else is claimed.

    Channels that are not well are left out, and so is what a killed worker had begun: `sending.claim` is for those.
    """
    if not channel_ids:
        return []
    ids = list(transaction.scalars(_firsts(_well(transaction, channel_ids, now), now, withdrawals)))
    due = (claims.is_due(deliveries, now), deliveries.c.state != "sending")
    pending = sending.load(transaction, deliveries.c.id.in_(ids), *due) if ids else []
    pending = _unblocked(transaction, pending)
    if pending:
        until = now + dt.timedelta(seconds=seconds)
        mine = deliveries.c.id.in_([one.row.id for one in pending])
        values = {**sending.BEGUN, "lease": token, "leased_until": until}
        transaction.execute(sa.update(deliveries).where(mine).values(**values))
    return pending


def unlocked(transaction: Transaction, ids: Sequence[str]) -> frozenset[str]:
    """Lock those of the deliveries that no other transaction has locked, and return their ids."""
    query = sa.select(deliveries.c.id).where(deliveries.c.id.in_(ids)).with_for_update(skip_locked=True)
    return frozenset(transaction.scalars(query))


class Apart(Struct, frozen=True):
    """Channels that rounds leave out now: those that batches are for, and those to which something is being sent.

    `untried`: those of the others that have never answered. `unknown`: those of them that the ledger has no row of.
    """

    batches: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    untried: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


def apart(transaction: Transaction, channel_ids: Collection[str], now: dt.datetime) -> Apart:
    """Return those of the channels that a round would claim nothing from, or too little, and why.

    Batches are for channels that are not well or have a backlog, and for what a killed worker had begun, which is sent
    by itself. They are also for a channel that a withdrawal blocks before it is due, because they do not wait for it.
    """
    ids = list(channel_ids)
    waits = sa.select(deliveries.c.id).where(
        deliveries.c.channel == channels.c.id, blocking_withdrawal(), deliveries.c.due > now
    )
    joins = (*_is_well(now), ~_has_backlog(now), ~waits.correlate(channels).exists())
    known = transaction.execute(
        sa.select(channels.c.id, sa.and_(*joins), channels.c.answered).where(channels.c.id.in_(ids))
    ).all()
    unknown = frozenset(ids).difference(id for id, *_ in known)
    joining = unknown.union(id for id, joins, _ in known if joins)
    held = (deliveries.c.channel.in_(ids), deliveries.c.lease.is_not(None))
    rows = transaction.execute(
        sa.select(deliveries.c.channel, deliveries.c.state, claims.is_leased(deliveries, now)).where(*held)
    ).all()
    killed = frozenset(channel for channel, state, is_leased in rows if state == "sending" and not is_leased)
    busy = frozenset(channel for channel, _, is_leased in rows if is_leased)
    batches = frozenset(ids) - joining | killed
    untried = unknown.union(id for id, _, answered in known if answered is None) - batches - busy
    return Apart(batches, busy - batches, untried, untried & unknown)


def _has_backlog(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Match channels for which at least `_BACKLOG` deliveries are due."""

    def last(kind: sa.ColumnElement[bool]) -> sa.ScalarSelect[dt.datetime | None]:
        mine = (deliveries.c.channel == channels.c.id, kind, claims.is_due(deliveries, now))
        query = sa.select(deliveries.c.due).where(*mine).order_by(deliveries.c.due).limit(1).offset(_BACKLOG - 1)
        return query.correlate(channels).scalar_subquery()

    return sa.func.coalesce(last(IS_NORMAL), last(MAY_WAIT), last(IS_WITHDRAWAL)).is_not(None)


def _well(transaction: Transaction, channel_ids: Collection[str], now: dt.datetime) -> list[str]:
    """Lock and return those of the channels that nothing speaks against."""
    where = (channels.c.id.in_(channel_ids), *_is_well(now))
    return list(transaction.scalars(sa.select(channels.c.id).where(*where).with_for_update(skip_locked=True)))


def _is_well(now: dt.datetime) -> list[sa.ColumnElement[bool]]:
    bad = ("paused_until", "disabled", "paused", "opened", "failing")
    paced = sa.or_(channels.c.next_batch.is_(None), channels.c.next_batch <= now)
    return [channels.c.failures == 0, *(channels.c[name].is_(None) for name in bad), paced]


def _firsts(channel_ids: Collection[str], now: dt.datetime, withdrawals: bool) -> sa.Select[str]:
    """Select the first due delivery of each channel to which nothing is being sent."""
    leased = (deliveries.c.lease.is_not(None), claims.is_leased(deliveries, now))
    mine = sa.select(deliveries.c.id).where(deliveries.c.channel == channels.c.id, *leased)
    is_busy = mine.correlate(channels).exists()

    def first(kind: sa.ColumnElement[bool]) -> sa.ScalarSelect[str]:
        mine = (deliveries.c.channel == channels.c.id, kind, claims.is_due(deliveries, now))
        query = sa.select(deliveries.c.id).where(*mine).order_by(deliveries.c.due, deliveries.c.id).limit(1)
        return query.correlate(channels).scalar_subquery()

    kinds = (IS_WITHDRAWAL,) if withdrawals else (IS_WITHDRAWAL, IS_NORMAL, MAY_WAIT)
    found = sa.func.coalesce(*(first(kind) for kind in kinds), None)
    return sa.select(found).where(channels.c.id.in_(channel_ids), ~is_busy)


def _unblocked(transaction: Transaction, pending: Sequence[PendingDelivery]) -> list[PendingDelivery]:
    """Leave out what a withdrawal for its channel goes before."""
    others = [one.row.channel for one in pending if one.row.urgency != WITHDRAWAL]
    if not others:
        return list(pending)
    blocking = sa.select(deliveries.c.channel).where(deliveries.c.channel.in_(others), blocking_withdrawal())
    blocked = frozenset(transaction.scalars(blocking.distinct()))
    return [one for one in pending if one.row.urgency == WITHDRAWAL or one.row.channel not in blocked]
