"""The ledger's side of sending a batch: claim, begin, check again, settle, each in a few statements for all rows.

The rows of a batch share one lease. Every write is conditional on that lease, and on the revision that was sent still
being the wanted one, so a worker that lost its lease or was overtaken changes nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import claims
from pipeline.ledger.articles import headings
from pipeline.ledger.articles.headings import Heading
from pipeline.ledger.claims import Claims
from pipeline.ledger.database import Transaction
from pipeline.ledger.deliveries import (
    IS_NEWS,
    IS_NORMAL,
    IS_WITHDRAWAL,
    LATER,
    MAY_WAIT,
    NORMAL,
    WITHDRAWAL,
    Delivery,
    blocking_withdrawal,
    is_blocked,
)
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import (
    attempts,
    channel_contents,
    contents,
    deliveries,
    events,
    feeds,
    renditions,
    revisions,
)
from pipeline.ledger.tables.base import by_key
from pipeline.model.delivery import DeliveryState
from pipeline.model.revision import Cause, EventType

INTERRUPTIONS = 5  # consecutive attempts whose worker was killed, after which a delivery is not sent again


class PendingDelivery(Struct, frozen=True, kw_only=True):
    """A delivery as it is begun, with what is needed to send it.

    `media_type`, `size` and `heading` are None for a withdrawal.
    """

    row: Delivery
    attempted: bool  # whether an attempt was made before, so that the channel may have seen the article
    media_type: str | None
    size: int | None  # bytes
    heading: Heading | None
    cause: Cause | None = None  # of the revision
    event_id: str | None = None  # of the event that made the revision; None: evidence or settings did
    trace: str | None = None  # of that event
    interruptions: int = 0  # how many of the last attempts in a row were never settled: the worker was killed


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """The result of one attempt, as the ledger keeps it."""

    row: Delivery
    event: EventType
    at: dt.datetime
    outcome: str  # delivered, refused, transient, permanent, fault
    status: int | None
    milliseconds: int
    detail: str
    answer: str | None
    remote_id: str | None = None  # the channel's own id for it; None: unchanged
    state: DeliveryState = "delivered"
    due: dt.datetime | None = None  # the next attempt
    refusals: int = 0  # in a row, this one included


_AT_CHANNEL = deliveries.c.channel == sa.bindparam("at_channel")
_HAS_WAITED = deliveries.c.due <= sa.bindparam("due_before")
_KINDS = {"withdrawals": IS_WITHDRAWAL, "news": IS_NEWS, "others": MAY_WAIT}
_DUE = {kind: Claims(deliveries.c.id, _AT_CHANNEL, which) for kind, which in _KINDS.items()}
_DUE_BEFORE = {kind: Claims(deliveries.c.id, _AT_CHANNEL, which, _HAS_WAITED) for kind, which in _KINDS.items()}
_BRING_FORWARD = (
    sa.update(deliveries)
    .where(_AT_CHANNEL, deliveries.c.due > claims.NOW, blocking_withdrawal())
    .values(due=claims.NOW)
)


def _first_due(kind: sa.ColumnElement[bool]) -> sa.ScalarSelect[dt.datetime]:
    """Select when the first of a kind is due. By an order: PostgreSQL otherwise looks for one by reading the table."""
    mine = (_AT_CHANNEL, kind, claims.is_due_then(deliveries))
    return sa.select(deliveries.c.due).where(*mine).order_by(deliveries.c.due).limit(1).scalar_subquery()


_NEWS_DUE = sa.select(sa.func.coalesce(_first_due(IS_WITHDRAWAL), _first_due(IS_NORMAL)))


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
    later: int = 5,
) -> list[str]:
    """Lease deliveries that are due for the channel, longest due first, and return their ids.

    What may be sent later is leased only while nothing else is due, and at most `later` at once, so that what becomes
    due meanwhile finds the channel's rate and threads free.
    With `urgent`, only withdrawals are leased, whether due or not, because they block the channel. `waited` is how many
    seconds a row must have been due while the feeds that the channel announces have not been built yet.
    """
    kind = "withdrawals"
    if not urgent:
        kind = "news" if _is_news_due(transaction, channel, now=now) else "others"
    limit = min(limit, later) if kind == "others" else limit
    due = _DUE_BEFORE[kind] if waited else _DUE[kind]
    asked: dict[str, object] = {"at_channel": channel}
    if waited:
        asked["due_before"] = now - dt.timedelta(seconds=waited)
    elif urgent:
        transaction.execute(_BRING_FORWARD, {"at_channel": channel, "now": now})
    return due.claim(transaction, token=token, now=now, seconds=seconds, limit=limit, asked=asked)


def _is_news_due(transaction: Transaction, channel: str, *, now: dt.datetime) -> bool:
    """Return whether anything is due for the channel that must not wait behind what may be sent later."""
    return transaction.scalar(_NEWS_DUE, {"at_channel": channel, **claims.at(now)}) is not None


_STALE = sa.select(feeds.c.id).where(feeds.c.due.is_not(None), feeds.c.id.not_like(":%")).limit(1)


def feeds_are_stale(transaction: Transaction) -> bool:
    """Return whether any feed needs to be built. Sitemaps, whose names start with a colon, do not count."""
    return transaction.execute(_STALE).first() is not None


_BATCHES = sa.select(sa.func.count(sa.distinct(deliveries.c.lease))).where(
    _AT_CHANNEL, deliveries.c.lease.is_not(None), claims.is_leased_then(deliveries)
)


def in_flight(transaction: Transaction, channel: str, *, now: dt.datetime) -> int:
    """Count the batches that are being sent to the channel."""
    return transaction.scalar(_BATCHES, {"at_channel": channel, **claims.at(now)}) or 0


def begin(
    transaction: Transaction, ids: Sequence[str], *, channel: str, token: str, now: dt.datetime, seconds: float
) -> list[PendingDelivery]:
    """Renew the lease of those claimed rows that may be sent, mark them as being sent, and return them.

    The others are released: their lease was lost, nothing is outstanding, or a withdrawal for the channel goes first.

    Rows that are already marked as being sent belong to a killed worker. Each is sent alone, and the attempt that was
    never settled is recorded, so that a delivery that kills its workers is found and does not affect others.
    """
    found = transaction.execute(_LOADED, {"these": list(ids), "token": token}).all()
    is_held_up = is_blocked(transaction, channel)
    pending = [_pending(row) for row in found if row.due is not None and (row.urgency == WITHDRAWAL or not is_held_up)]
    interrupted = [one for one in pending if one.row.state == "sending"][:1]
    if interrupted:
        pending = [_interrupted(transaction, one, now) for one in interrupted]
    begun = {one.row.id for one in pending}
    release(transaction, [one for one in ids if one not in begun], token=token)
    if begun:
        until = now + dt.timedelta(seconds=seconds)
        mine = {"these": sorted(begun), "token": token}
        transaction.execute(_BEGIN, {**mine, "counted": len(interrupted), "until": until})
    return pending


def loading(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Return a query for `load`. It locks the deliveries that match, but for those that another transaction has."""
    return _WITH_CONTENT.where(*where).with_for_update(of=deliveries, skip_locked=True)


def load(transaction: Transaction, query: sa.Select[Any], asked: Mapping[str, Any]) -> list[PendingDelivery]:
    """Return the deliveries that a query of `loading` finds."""
    return [_pending(row) for row in transaction.execute(query, asked)]


def loaded(transaction: Transaction, delivery_id: str) -> PendingDelivery | None:
    """Return a delivery with what is needed to build its parcel, without beginning it."""
    row = transaction.execute(_WITH_CONTENT.where(deliveries.c.id == delivery_id)).one_or_none()
    return None if row is None or row.media_type is None else _pending(row)


def _interrupted(transaction: Transaction, pending: PendingDelivery, now: dt.datetime) -> PendingDelivery:
    row = pending.row
    detail = "the worker was killed while it sent this, or before it wrote down how that ended"
    facts = {"delivery": row.id, "revision": row.target_revision, "at": now, "outcome": "interrupted", "detail": detail}
    transaction.execute(_ATTEMPT, {**facts, "milliseconds": 0})
    mine = sa.select(attempts.c.outcome).where(attempts.c.delivery == row.id)
    last = transaction.scalars(mine.order_by(attempts.c.id.desc()).limit(INTERRUPTIONS))
    in_a_row = sum(1 for _ in itertools.takewhile(lambda outcome: outcome == "interrupted", last))
    return structs.replace(
        pending, row=structs.replace(row, attempts=row.attempts + 1), interruptions=in_a_row, attempted=True
    )


def look(
    transaction: Transaction,
    waiting: Iterable[PendingDelivery],
    *,
    channel: str,
    token: str,
    now: dt.datetime,
    seconds: float,
) -> list[PendingDelivery]:
    """Renew the lease of a batch's rows, and return those that may still be sent as they were loaded.

    What may be sent later gives way to news that has become due for the channel.
    """
    waiting = list(waiting)
    mine = {"these": [one.row.id for one in waiting], "token": token}
    transaction.execute(_RENEW, {**mine, "until": now + dt.timedelta(seconds=seconds)})
    rows = transaction.execute(_STILL_DUE, mine)
    is_held_up = is_blocked(transaction, channel)
    first = WITHDRAWAL if is_held_up else NORMAL if _is_news_due(transaction, channel, now=now) else LATER
    as_it_was = {row.id: (row.target_revision, row.target_digest) for row in rows if row.urgency <= first}
    return [one for one in waiting if as_it_was.get(one.row.id) == (one.row.target_revision, one.row.target_digest)]


def settle(transaction: Transaction, sent: Sequence[AttemptRecord], *, token: str, now: dt.datetime) -> None:
    """Record each attempt, what the channel has now, and the time of the next attempt.

    Changes made by others in the meantime are kept: a newer revision stays due. What was accepted counts even if the
    lease was lost by then; otherwise a batch that takes longer than its lease would be sent again without end.
    """
    _keep(transaction, sent)
    taken = [one for one in sent if one.outcome == "delivered"]
    if taken:
        rows = [
            {"token": token, "row": one.row.id, "sent": one.row.target_revision, "digest": one.row.target_digest}
            | {
                "event": one.event,
                "in_format": one.row.format,
                "remote": one.remote_id or one.row.remote_id,
                "now": now,
            }
            for one in taken
        ]
        mine = {"these": [one.row.id for one in taken], "token": token}
        still_leased = frozenset(transaction.scalars(_STILL_LEASED, mine))
        if late := [row for row in rows if row["row"] not in still_leased]:
            transaction.execute(_DELIVERED_LATE, late)
        transaction.execute(_DELIVERED, rows)
    others = [one for one in sent if one.outcome != "delivered"]
    if others:
        rows = [
            {"token": token, "row": one.row.id, "sent": one.row.target_revision, "digest": one.row.target_digest}
            | {
                "now_state": one.state,
                "next": one.due,
                "why": one.detail,
                "refused": one.refusals,
                "remote": one.remote_id or one.row.remote_id,
                "now": now,
            }
            for one in others
        ]
        transaction.execute(_NOT_DELIVERED, rows)


def unsent(transaction: Transaction, pending: Collection[PendingDelivery], *, token: str) -> None:
    """Release deliveries that were begun but not sent, restoring their former state."""
    rows = [
        {"token": token, "row": one.row.id, "sent": one.row.target_revision, "digest": one.row.target_digest}
        | {"seen": one.attempted}
        | {"was": "abandoned" if one.row.state == "abandoned" else "pending"}
        for one in pending
    ]
    if rows:
        transaction.execute(_UNSENT, rows)


def release(transaction: Transaction, ids: Sequence[str], *, token: str) -> None:
    """Release rows that were claimed but not begun."""
    _DUE["news"].release(transaction, ids, token=token)  # as any


def put_off(transaction: Transaction, *, token: str, ids: Sequence[str], due: dt.datetime, error: str) -> None:
    """After an unforeseen fault, make those of these rows due at `due` that are still under the lease."""
    mine = (deliveries.c.id.in_(ids), deliveries.c.lease == token)
    later = {"state": "pending", "due": due, "error": error}
    transaction.execute(sa.update(deliveries).where(*mine, deliveries.c.due.is_not(None)).values(**later, **_FREE))
    transaction.execute(sa.update(deliveries).where(*mine).values(**_FREE))


# --- statements ---------------------------------------------------------------------------------------------------

_FIELDS = Delivery.__struct_fields__

_WITH_CONTENT = (
    sa.select(
        *by_key(deliveries.c[field] for field in _FIELDS),
        deliveries.c.attempted,
        renditions.c.media_type,
        renditions.c.bytes.label("size"),
        *headings.COLUMNS,
        revisions.c.cause,
        revisions.c.event_id,
        events.c.trace,
    )
    .select_from(deliveries)
    .outerjoin(
        renditions,
        sa.and_(
            renditions.c.article == deliveries.c.article,
            renditions.c.revision == deliveries.c.target_revision,
            renditions.c.format == deliveries.c.format,
        ),
    )
    .outerjoin(
        revisions,
        sa.and_(revisions.c.article == deliveries.c.article, revisions.c.number == deliveries.c.target_revision),
    )
    .outerjoin(contents, contents.c.digest == revisions.c.content)
    .outerjoin(events, events.c.id == revisions.c.event_id)
    .order_by(deliveries.c.urgency, deliveries.c.due, deliveries.c.id)
)

# The rows of a batch.
_THESE = (one_of(deliveries.c.id, "these"), deliveries.c.lease == sa.bindparam("token"))
_LOADED = _WITH_CONTENT.where(*_THESE).with_for_update(of=deliveries)
_RENEW = sa.update(deliveries).where(*_THESE).values(leased_until=sa.bindparam("until"))
_STILL_LEASED = sa.select(deliveries.c.id).where(*_THESE)
_STILL_DUE = sa.select(
    *by_key((deliveries.c.id, deliveries.c.target_revision, deliveries.c.target_digest, deliveries.c.urgency))
).where(*_THESE, deliveries.c.due.is_not(None))

# A worker may be killed after it wrote a file, and the format may change before the next attempt. So what was tried is
# written down before it is sent.
_TRIED = sa.case(
    (deliveries.c.tried.is_(None), deliveries.c.format),
    (
        (sa.literal(" ") + deliveries.c.tried + " ").contains(sa.literal(" ") + deliveries.c.format + " "),
        deliveries.c.tried,
    ),
    else_=deliveries.c.tried + " " + deliveries.c.format,
)

# The values of a delivery that is about to be sent.
BEGUN: Mapping[str, Any] = {"attempted": True, "state": "sending", "tried": _TRIED}
_BEGIN = _RENEW.values(**BEGUN, attempts=deliveries.c.attempts + sa.bindparam("counted", type_=sa.Integer()))

_MINE = (deliveries.c.id == sa.bindparam("row"), deliveries.c.lease == sa.bindparam("token"))
_CURRENT = sa.and_(
    deliveries.c.target_revision == sa.bindparam("sent"),
    deliveries.c.target_digest.is_not_distinct_from(sa.bindparam("digest", type_=sa.String)),
)
_FREE: Mapping[str, Any] = {"lease": None, "leased_until": None}

# A new target, which may come while a row is being sent, changes its state from "sending". Settling the row then keeps
# the state and the due time: it only records what was sent and releases the lease.
_AS_BEGUN = sa.and_(_CURRENT, deliveries.c.state == "sending")
_DECIDED_MEANWHILE = sa.case((deliveries.c.state == "sending", "pending"), else_=deliveries.c.state)
_COUNTED = sa.case((_AS_BEGUN, deliveries.c.attempts + 1), else_=deliveries.c.attempts)

_DELIVERED = (
    sa.update(deliveries)
    .where(*_MINE)
    .values(
        **_FREE,
        attempts=_COUNTED,
        refusals=sa.case((_CURRENT, 0), else_=deliveries.c.refusals),
        delivered_revision=sa.bindparam("sent"),
        delivered_digest=sa.bindparam("digest", type_=sa.String),
        delivered_event=sa.bindparam("event"),
        tried=sa.bindparam("in_format", type_=sa.String),
        remote_id=sa.bindparam("remote"),
        state=sa.case((_CURRENT, "delivered"), else_=_DECIDED_MEANWHILE),
        due=sa.case((_CURRENT, sa.null()), else_=deliveries.c.due),
        available=sa.case((_CURRENT, sa.null()), else_=deliveries.c.available),
        error=sa.case((_CURRENT, sa.null()), (deliveries.c.state == "abandoned", deliveries.c.error), else_=sa.null()),
        changed=sa.bindparam("now"),
    )
)

# Without the lease, which another worker may have by now. If the channel has accepted a newer revision meanwhile, this
# one may have replaced it there: then the newest is sent once more.
_LOST = sa.or_(deliveries.c.lease.is_(None), deliveries.c.lease != sa.bindparam("token"))
_OVERTAKEN = sa.and_(deliveries.c.delivered_revision > sa.bindparam("sent"), deliveries.c.state == "delivered")
_IS_NEWS = sa.or_(deliveries.c.delivered_revision.is_(None), deliveries.c.delivered_revision < sa.bindparam("sent"))
_UNFINISHED = sa.and_(_CURRENT, deliveries.c.state != "delivered")


def _if_news(name: str, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.case((_IS_NEWS, sa.bindparam(name, type_=column.type)), else_=column)


_DELIVERED_LATE = (
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("row"), _LOST, sa.or_(_IS_NEWS, _OVERTAKEN, _UNFINISHED))
    .values(
        delivered_revision=_if_news("sent", deliveries.c.delivered_revision),
        delivered_digest=_if_news("digest", deliveries.c.delivered_digest),
        delivered_event=_if_news("event", deliveries.c.delivered_event),
        remote_id=_if_news("remote", deliveries.c.remote_id),
        state=sa.case((_CURRENT, "delivered"), (_OVERTAKEN, "pending"), else_=deliveries.c.state),
        due=sa.case(
            (_CURRENT, sa.null()),
            (_OVERTAKEN, sa.bindparam("now", type_=deliveries.c.due.type)),
            else_=deliveries.c.due,
        ),
        refusals=sa.case((_CURRENT, 0), else_=deliveries.c.refusals),
        error=sa.case((_CURRENT, sa.null()), else_=deliveries.c.error),
        changed=sa.bindparam("now"),
    )
)

_NOT_DELIVERED = (
    sa.update(deliveries)
    .where(*_MINE)
    .values(
        **_FREE,
        attempts=_COUNTED,
        refusals=sa.case((_AS_BEGUN, sa.bindparam("refused", type_=sa.Integer)), else_=deliveries.c.refusals),
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
        attempted=sa.case((_AS_BEGUN, sa.bindparam("seen", type_=sa.Boolean)), else_=deliveries.c.attempted),
    )
)


_ATTEMPT = sa.insert(attempts)
# The key of a place may change while something is sent to it: its channel has moved.
_PLACE_NOW = sa.select(deliveries.c.channel).where(deliveries.c.id == sa.bindparam("row")).scalar_subquery()
_HAS_NOW = sa.insert(channel_contents).values(channel=sa.func.coalesce(_PLACE_NOW, sa.bindparam("loaded_channel")))


def _pending(found: Any) -> PendingDelivery:
    values = found._mapping
    return PendingDelivery(
        row=Delivery(**{field: values[field] for field in _FIELDS}),
        attempted=found.attempted,
        media_type=found.media_type,
        size=found.size,
        heading=headings.of_row(found),
        cause=found.cause,
        event_id=found.event_id,
        trace=found.trace,
    )


def _keep(transaction: Transaction, sent: Sequence[AttemptRecord]) -> None:
    tries = [
        {
            "delivery": one.row.id,
            "revision": one.row.target_revision,
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
        transaction.execute(_ATTEMPT, tries)
    taken = [
        {
            "article": one.row.article,
            "row": one.row.id,
            "loaded_channel": one.row.channel,
            "revision": one.row.target_revision,
            "event": one.event,
            "digest": one.row.target_digest,
            "at": one.at,
        }
        for one in sent
        if one.outcome == "delivered"
    ]
    if taken:
        transaction.execute(_HAS_NOW, taken)
