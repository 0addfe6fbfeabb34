"""The ledger's side of a round: one delivery to each of many healthy channels, claimed and begun in one transaction.

Nothing here waits for a row lock, so that a round and a change to many of its rows never wait for each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.claims import NOW
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
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import channels, deliveries

_BACKLOG = 5  # due deliveries, from which a channel is sent batches

_THESE = one_of(deliveries.c.id, "these")
_LOADED = sending.loading(_THESE, claims.is_due_then(deliveries), deliveries.c.state != "sending")
_BEGIN = (
    sa.update(deliveries)
    .where(_THESE)
    .values(**sending.BEGUN, lease=sa.bindparam("token"), leased_until=sa.bindparam("until"))
)
_UNLOCKED = sa.select(deliveries.c.id).where(_THESE).with_for_update(skip_locked=True)

_OURS = one_of(channels.c.id, "of_channels")
_BAD = ("paused_until", "disabled", "paused", "opened", "failing")
_IS_WELL = sa.and_(
    channels.c.failures == 0,
    *(channels.c[name].is_(None) for name in _BAD),
    sa.or_(channels.c.next_batch.is_(None), channels.c.next_batch <= NOW),
)
_IS_LEASED = claims.is_leased_then(deliveries)


def _due(
    what: sa.Column[Any], kind: sa.ColumnElement[bool], *order: sa.Column[str], after: int = 0
) -> sa.ScalarSelect[Any]:
    """Select something of the first delivery of a kind that is due for a channel, or of the first after so many."""
    mine = (deliveries.c.channel == channels.c.id, kind, claims.is_due_then(deliveries))
    query = sa.select(what).where(*mine).order_by(deliveries.c.due, *order).limit(1).offset(after or None)
    return query.correlate(channels).scalar_subquery()


# At least `_BACKLOG` deliveries are due for the channel.
_HAS_BACKLOG = sa.func.coalesce(
    *(_due(deliveries.c.due, kind, after=_BACKLOG - 1) for kind in (IS_NORMAL, MAY_WAIT, IS_WITHDRAWAL))
).is_not(None)
_WAITS = sa.select(deliveries.c.id).where(
    deliveries.c.channel == channels.c.id, blocking_withdrawal(), deliveries.c.due > NOW
)
_JOINS = sa.and_(_IS_WELL, ~_HAS_BACKLOG, ~_WAITS.correlate(channels).exists())
_JOINING = sa.select(channels.c.id, _JOINS, channels.c.answered).where(_OURS)
_HELD = sa.select(deliveries.c.channel, deliveries.c.state, _IS_LEASED).where(
    one_of(deliveries.c.channel, "of_channels"), deliveries.c.lease.is_not(None)
)

_WELL = sa.select(channels.c.id).where(_OURS, _IS_WELL).with_for_update(skip_locked=True)


def _firsts(*kinds: sa.ColumnElement[bool]) -> sa.Select[str]:
    """Select the first due delivery of each channel to which nothing is being sent."""
    leased = (deliveries.c.lease.is_not(None), _IS_LEASED)
    is_busy = (
        sa.select(deliveries.c.id).where(deliveries.c.channel == channels.c.id, *leased).correlate(channels).exists()
    )
    found = sa.func.coalesce(*(_due(deliveries.c.id, kind, deliveries.c.id) for kind in kinds), None)
    return sa.select(found).where(_OURS, ~is_busy)


_FIRSTS = {True: _firsts(IS_WITHDRAWAL), False: _firsts(IS_WITHDRAWAL, IS_NORMAL, MAY_WAIT)}  # True: withdrawals alone
_BLOCKED = (
    sa.select(deliveries.c.channel).where(one_of(deliveries.c.channel, "at_channels"), blocking_withdrawal()).distinct()
)


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
    well = list(transaction.scalars(_WELL, {"of_channels": list(channel_ids), "now": now}))
    ids = list(transaction.scalars(_FIRSTS[withdrawals], {"of_channels": well, **claims.at(now)}))
    pending = sending.load(transaction, _LOADED, {"these": ids, **claims.at(now)}) if ids else []
    pending = _unblocked(transaction, pending)
    if pending:
        until = now + dt.timedelta(seconds=seconds)
        these = [one.row.id for one in pending]
        transaction.execute(_BEGIN, {"these": these, "token": token, "until": until})
    return pending


def unlocked(transaction: Transaction, ids: Sequence[str]) -> frozenset[str]:
    """Lock those of the deliveries that no other transaction has locked, and return their ids."""
    return frozenset(transaction.scalars(_UNLOCKED, {"these": list(ids)}))


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
    asked = {"of_channels": ids, **claims.at(now)}
    known = transaction.execute(_JOINING, asked).all()
    unknown = frozenset(ids).difference(id for id, *_ in known)
    joining = unknown.union(id for id, joins, _ in known if joins)
    rows = transaction.execute(_HELD, asked).all()
    killed = frozenset(channel for channel, state, is_leased in rows if state == "sending" and not is_leased)
    busy = frozenset(channel for channel, _, is_leased in rows if is_leased)
    batches = frozenset(ids) - joining | killed
    untried = unknown.union(id for id, _, answered in known if answered is None) - batches - busy
    return Apart(batches, busy - batches, untried, untried & unknown)


def _unblocked(transaction: Transaction, pending: Sequence[PendingDelivery]) -> list[PendingDelivery]:
    """Leave out what a withdrawal for its channel goes before."""
    others = [one.row.channel for one in pending if one.row.urgency != WITHDRAWAL]
    if not others:
        return list(pending)
    blocked = frozenset(transaction.scalars(_BLOCKED, {"at_channels": others}))
    return [one for one in pending if one.row.urgency == WITHDRAWAL or one.row.channel not in blocked]
