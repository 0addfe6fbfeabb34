"""A batch of deliveries on its way: claimed, begun, looked at again, settled. A few statements for all of its rows.

The rows of a batch stand under one lease. Every write asks for that lease again, and for the revision that was sent:
who has lost the one, or was overtaken by the other, marks nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery, holding_up, holds_up
from pipeline.ledger.tables import attempts, contents, deliveries, feeds, holdings, renditions, revisions
from pipeline.model.delivery import DeliveryState
from pipeline.model.revision import EventType


class Owed(Struct, frozen=True, kw_only=True):
    """A delivery as it is begun, with what is needed to send it. None for a withdrawal, but the content before it."""

    row: Delivery  # this attempt counted
    before: Delivery  # not counted
    attempted: bool  # before
    media_type: str | None
    size: int | None  # bytes
    content: bytes | None  # a model.article.Article, as JSON


class Sent(Struct, frozen=True, kw_only=True):
    """What became of one attempt, as it is kept."""

    row: Delivery
    event: EventType
    at: dt.datetime
    outcome: str  # delivered, transient, permanent, fault
    status: int | None
    milliseconds: int
    detail: str
    answer: str | None
    remote_id: str | None = None  # what the channel calls it now, or has to remember; None: as before
    state: DeliveryState = "delivered"
    due: dt.datetime | None = None  # the next attempt


def claim(
    transaction: Transaction,
    channel: str,
    *,
    token: str,
    now: dt.datetime,
    seconds: float,
    limit: int,
    urgent: bool,
    waited: float = 0.0,
) -> list[str]:
    """Lease what the channel is owed, longest due first.

    `urgent`: withdrawals hold the channel up, and are claimed before all else, due or not.
    `waited`: seconds that a row must have been due, as long as the feeds that are announced are not built yet.
    """
    where = [deliveries.c.channel == channel]
    if urgent:
        where.append(deliveries.c.urgency == WITHDRAWAL)
    if waited:
        where.append(deliveries.c.due <= now - dt.timedelta(seconds=waited))
    elif urgent:
        transaction.execute(sa.update(deliveries).where(*where, deliveries.c.due > now, holds_up()).values(due=now))
    return claims.claim(transaction, deliveries.c.id, token=token, now=now, seconds=seconds, limit=limit, where=where)


def feeds_are_stale(transaction: Transaction) -> bool:
    """Whether any feed waits to be built. Sitemaps, whose names start with a colon, are no feeds to anybody."""
    stale = sa.select(feeds.c.id).where(feeds.c.due.is_not(None), feeds.c.id.not_like(":%")).limit(1)
    return transaction.execute(stale).first() is not None


def in_flight(transaction: Transaction, channel: str, *, now: dt.datetime) -> int:
    """How many batches of the channel are leased."""
    leased = (deliveries.c.channel == channel, deliveries.c.lease.is_not(None), deliveries.c.leased_until > now)
    batches = sa.select(sa.func.count(sa.distinct(deliveries.c.lease))).where(*leased)
    return transaction.scalar(batches) or 0


def begin(
    transaction: Transaction, ids: Sequence[str], *, channel: str, token: str, now: dt.datetime, seconds: float
) -> list[Owed]:
    """Of the claimed rows those that may be sent: as they are now, leased anew, an attempt at each counted.

    The others are given back: the lease was lost, nothing is owed any more, or a withdrawal of the channel goes first.
    """
    found = transaction.execute(_LOADED.where(deliveries.c.id.in_(ids), deliveries.c.lease == token)).all()
    held_up = holding_up(transaction, channel)
    owed = [_owed(row) for row in found if row.due is not None and (row.urgency == WITHDRAWAL or not held_up)]
    going = {one.row.id for one in owed}
    claims.release(transaction, deliveries.c.id, [one for one in ids if one not in going], token=token)
    if going:
        counted = {"attempts": deliveries.c.attempts + 1, "attempted": True, "state": "sending"}
        until = now + dt.timedelta(seconds=seconds)
        mine = (deliveries.c.id.in_(going), deliveries.c.lease == token)
        transaction.execute(sa.update(deliveries).where(*mine).values(leased_until=until, **counted))
    return owed


def look(
    transaction: Transaction, waiting: Iterable[Owed], *, channel: str, token: str, now: dt.datetime, seconds: float
) -> list[Owed]:
    """Those of a batch that may still be sent as they are; all of its rows leased anew."""
    waiting = list(waiting)
    mine = (deliveries.c.id.in_([one.row.id for one in waiting]), deliveries.c.lease == token)
    until = now + dt.timedelta(seconds=seconds)
    transaction.execute(sa.update(deliveries).where(*mine).values(leased_until=until))
    columns = (deliveries.c.id, deliveries.c.wanted, deliveries.c.urgency)
    rows = transaction.execute(sa.select(*columns).where(*mine, deliveries.c.due.is_not(None)))
    held_up = holding_up(transaction, channel)
    as_it_was = {row.id: row.wanted for row in rows if row.urgency == WITHDRAWAL or not held_up}
    return [one for one in waiting if as_it_was.get(one.row.id) == one.row.wanted]


def settle(transaction: Transaction, sent: Sequence[Sent], *, token: str, now: dt.datetime) -> None:
    """Write down what became of each: the attempt, what the channel holds now, and when it is due again.

    If more is owed by now, that stays due.
    """
    _keep(transaction, sent)
    taken = [one for one in sent if one.outcome == "delivered"]
    if taken:
        rows = [
            {"token": token, "row": one.row.id, "sent": one.row.wanted, "digest": one.row.wanted_digest}
            | {"event": one.event, "remote": one.remote_id or one.row.remote_id, "now": now}
            for one in taken
        ]
        transaction.execute(_DELIVERED, rows)
    others = [one for one in sent if one.outcome != "delivered"]
    if others:
        rows = [
            {"token": token, "row": one.row.id, "sent": one.row.wanted, "now_state": one.state}
            | {"next": one.due, "why": one.detail, "remote": one.remote_id or one.row.remote_id, "now": now}
            for one in others
        ]
        transaction.execute(_NOT_DELIVERED, rows)


def unsent(transaction: Transaction, owed: Collection[Owed], *, token: str) -> None:
    """Give back what was begun and not sent: the attempt does not count."""
    rows = [
        {"token": token, "row": one.row.id, "sent": one.row.wanted, "was": one.before.state}
        | {"counted": one.before.attempts, "seen": one.attempted}
        for one in owed
    ]
    if rows:
        transaction.execute(_UNSENT, rows)


def release(transaction: Transaction, ids: Sequence[str], *, token: str) -> None:
    """Give back what was claimed and not begun."""
    claims.release(transaction, deliveries.c.id, ids, token=token)


def put_off(transaction: Transaction, *, token: str, ids: Sequence[str], due: dt.datetime, error: str) -> None:
    """After an unforeseen fault, make those of these rows due at `due` that are still under the lease."""
    mine = (deliveries.c.id.in_(ids), deliveries.c.lease == token)
    later = {"state": "pending", "due": due, "error": error}
    transaction.execute(sa.update(deliveries).where(*mine, deliveries.c.due.is_not(None)).values(**later, **_FREE))
    transaction.execute(sa.update(deliveries).where(*mine).values(**_FREE))


# --- statements ---------------------------------------------------------------------------------------------------

_FIELDS = Delivery.__struct_fields__

_LOADED = (
    sa.select(
        *(deliveries.c[field] for field in _FIELDS),
        deliveries.c.attempted,
        renditions.c.media_type,
        renditions.c.bytes.label("size"),
        contents.c.article.label("content"),
    )
    .select_from(deliveries)
    .outerjoin(
        renditions,
        sa.and_(
            renditions.c.article == deliveries.c.article,
            renditions.c.revision == deliveries.c.wanted,
            renditions.c.format == deliveries.c.format,
        ),
    )
    .outerjoin(
        revisions,
        sa.and_(revisions.c.article == deliveries.c.article, revisions.c.number == deliveries.c.wanted),
    )
    .outerjoin(contents, contents.c.digest == revisions.c.content)
    .order_by(deliveries.c.urgency, deliveries.c.due, deliveries.c.id)
    .with_for_update(of=deliveries)
)

_MINE = (deliveries.c.id == sa.bindparam("row"), deliveries.c.lease == sa.bindparam("token"))
_CURRENT = deliveries.c.wanted == sa.bindparam("sent")
_FREE: Mapping[str, Any] = {"lease": None, "leased_until": None}

# Whoever changes what is wanted, or gives up, while a row is being sent leaves another state than "sending". Settling
# the row then keeps what they wrote: only what was sent is recorded, and the lease given back.
_AS_BEGUN = sa.and_(_CURRENT, deliveries.c.state == "sending")
_DECIDED_MEANWHILE = sa.case((deliveries.c.state == "sending", "pending"), else_=deliveries.c.state)

_DELIVERED = (
    sa.update(deliveries)
    .where(*_MINE)
    .values(
        **_FREE,
        held=sa.bindparam("sent"),
        held_digest=sa.bindparam("digest"),
        held_event=sa.bindparam("event"),
        remote_id=sa.bindparam("remote"),
        state=sa.case((_CURRENT, "delivered"), else_=_DECIDED_MEANWHILE),
        due=sa.case((_CURRENT, sa.null()), else_=deliveries.c.due),
        available=sa.case((_CURRENT, sa.null()), else_=deliveries.c.available),
        error=sa.case((_CURRENT, sa.null()), (deliveries.c.state == "abandoned", deliveries.c.error), else_=sa.null()),
        changed=sa.bindparam("now"),
    )
)

_NOT_DELIVERED = (
    sa.update(deliveries)
    .where(*_MINE)
    .values(
        **_FREE,
        state=sa.case((_AS_BEGUN, sa.bindparam("now_state", type_=sa.String)), else_=_DECIDED_MEANWHILE),
        due=sa.case((_AS_BEGUN, sa.bindparam("next", type_=deliveries.c.due.type)), else_=deliveries.c.due),
        error=sa.case(
            (deliveries.c.state == "abandoned", deliveries.c.error), else_=sa.bindparam("why", type_=sa.Text)
        ),
        remote_id=sa.bindparam("remote"),
        changed=sa.bindparam("now"),
    )
)

_UNSENT = (
    sa.update(deliveries)
    .where(*_MINE)
    .values(
        **_FREE,
        state=sa.case((_AS_BEGUN, sa.bindparam("was", type_=sa.String)), else_=_DECIDED_MEANWHILE),
        attempts=sa.case((_AS_BEGUN, sa.bindparam("counted", type_=sa.Integer)), else_=deliveries.c.attempts),
        attempted=sa.case((_AS_BEGUN, sa.bindparam("seen", type_=sa.Boolean)), else_=deliveries.c.attempted),
    )
)


def _owed(found: Any) -> Owed:
    values = found._mapping
    before = {field: values[field] for field in _FIELDS}
    counted = before | {"attempts": before["attempts"] + 1, "state": "sending"}
    return Owed(
        row=Delivery(**counted),
        before=Delivery(**before),
        attempted=found.attempted,
        media_type=found.media_type,
        size=found.size,
        content=found.content,
    )


def _keep(transaction: Transaction, sent: Sequence[Sent]) -> None:
    tries = [
        {
            "delivery": one.row.id,
            "revision": one.row.wanted,
            "at": one.at,
            "outcome": one.outcome,
            "status": one.status,
            "milliseconds": one.milliseconds,
            "detail": one.detail,
            "answer": one.answer,
        }
        for one in sent
    ]
    if tries:
        transaction.execute(sa.insert(attempts), tries)
    taken = [
        {
            "article": one.row.article,
            "channel": one.row.channel,
            "revision": one.row.wanted,
            "event": one.event,
            "digest": one.row.wanted_digest,
            "at": one.at,
        }
        for one in sent
        if one.outcome == "delivered"
    ]
    if taken:
        transaction.execute(sa.insert(holdings), taken)
