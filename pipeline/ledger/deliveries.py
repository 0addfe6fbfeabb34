"""What each channel is owed: one row for each (article, channel), brought to the newest revision.

`wanted` is the revision that the channel should hold, `held` the one that it took last. A newer revision replaces
`wanted` and leaves the lease alone, so two revisions of one article are never under way to one channel at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import changes, claims, holdings
from pipeline.ledger.database import Transaction, insert, instant
from pipeline.ledger.tables import deliveries
from pipeline.model.delivery import DeliveryState, Receipt
from pipeline.model.revision import EventType

WITHDRAWAL, NORMAL = 0, 1  # urgency: the lower goes first

HOLDS_UP = 60  # attempts, about an hour of them, that a withdrawal may fail before its channel goes on without it


class Delivery(Struct, frozen=True, kw_only=True):
    """A row, as operators see it."""

    id: str
    article: str
    channel: str
    format: str
    wanted: int
    wanted_digest: str | None
    urgency: int
    held: int | None
    held_digest: str | None
    held_event: str | None
    state: DeliveryState
    attempts: int
    error: str | None
    remote_id: str | None
    due: dt.datetime | None


# --- owing --------------------------------------------------------------------------------------------------------


def owe(
    transaction: Transaction,
    *,
    id: str,
    article_id: str,
    channel: str,
    format: str,
    revision: int,
    digest: str,
    now: dt.datetime,
) -> None:
    """The channel should hold this revision, whose rendition has this digest. Where it has those bytes, it does."""
    row = {
        "id": id,
        "article": article_id,
        "channel": channel,
        "format": format,
        "wanted": revision,
        "wanted_digest": digest,
        "urgency": NORMAL,
        "state": "pending",
        "attempts": 0,
        "attempted": False,
        "changed": now,
        "due": now,
    }
    newer = {name: row[name] for name in ("format", "wanted", "wanted_digest", "urgency", "attempts", "changed")}
    has_it = deliveries.c.held_digest == digest
    owed = transaction.execute(
        insert(transaction, deliveries)
        .values(**row)
        .on_conflict_do_update(
            index_elements=[deliveries.c.article, deliveries.c.channel],
            set_=newer
            | {
                "error": None,
                "state": sa.case((has_it, "delivered"), else_="pending"),
                "held": sa.case((has_it, revision), else_=deliveries.c.held),
                "due": sa.case((has_it, sa.null()), else_=instant(now)),
            },
            where=deliveries.c.wanted < revision,
        )
    )
    if owed.rowcount:
        changes.note(
            transaction,
            channel=channel,
            article_id=article_id,
            revision=revision,
            format=format,
            digest=digest,
            now=now,
        )


def channels_of(transaction: Transaction, article_id: str) -> frozenset[str]:
    """The channels that were ever owed the article, whatever their filter says today."""
    return frozenset(transaction.scalars(sa.select(deliveries.c.channel).where(deliveries.c.article == article_id)))


def owe_withdrawal(transaction: Transaction, article_id: str, *, revision: int, now: dt.datetime) -> list[str]:
    """Every channel that may have seen the article must learn that it is gone; the others need not. Who must."""
    changes.note_withdrawal(transaction, article_id, revision=revision, now=now)
    mine = deliveries.c.article == article_id
    transaction.execute(sa.delete(deliveries).where(mine, deliveries.c.attempted.is_(False)))
    transaction.execute(
        sa.update(deliveries)
        .where(mine)
        .values(
            wanted=revision,
            wanted_digest=None,
            urgency=WITHDRAWAL,
            state="pending",
            attempts=0,
            error=None,
            changed=now,
            due=now,
        )
    )
    return list(transaction.scalars(sa.select(deliveries.c.channel).where(mine)))


# --- delivering ---------------------------------------------------------------------------------------------------


def claim_due(
    transaction: Transaction, channel: str, *, token: str, now: dt.datetime, seconds: float, limit: int
) -> list[str]:
    """Lease what the channel is owed, longest due first; withdrawals that hold it up, due or not, before all else."""
    where = [deliveries.c.channel == channel]
    if _holding_up(transaction, channel):
        where.append(deliveries.c.urgency == WITHDRAWAL)
        transaction.execute(sa.update(deliveries).where(*where, deliveries.c.due > now, _holds_up()).values(due=now))
    return claims.claim(transaction, deliveries.c.id, token=token, now=now, seconds=seconds, limit=limit, where=where)


def in_flight(transaction: Transaction, channel: str, *, now: dt.datetime) -> int:
    """How many of the channel's deliveries are leased."""
    leased = (deliveries.c.channel == channel, deliveries.c.leased_until > now)
    return transaction.scalar(sa.select(sa.func.count()).select_from(deliveries).where(*leased)) or 0


def begin_attempt(
    transaction: Transaction, delivery_id: str, *, token: str, now: dt.datetime, seconds: float
) -> Delivery | None:
    """The last look before sending: the row as it is now, leased anew, the attempt counted.

    None where the lease was lost, nothing is owed any more, or a withdrawal of the same channel goes first.
    """
    row = _find(transaction, delivery_id, deliveries.c.lease == token)
    if row is None or row.due is None or (row.urgency == NORMAL and _holding_up(transaction, row.channel)):
        return None
    counted = {"attempts": row.attempts + 1, "attempted": True, "state": "sending"}
    until = now + dt.timedelta(seconds=seconds)
    transaction.execute(
        sa.update(deliveries).where(deliveries.c.id == delivery_id).values(leased_until=until, **counted)
    )
    return structs.replace(row, attempts=row.attempts + 1, state="sending")


def delivered(
    transaction: Transaction, sent: Delivery, receipt: Receipt, *, token: str, event: EventType, now: dt.datetime
) -> None:
    """The channel took `sent.wanted`. If more is owed by now, that stays due."""
    holdings.add(
        transaction,
        article_id=sent.article,
        channel=sent.channel,
        revision=sent.wanted,
        event=event,
        digest=sent.wanted_digest,
        at=now,
    )
    current = deliveries.c.wanted == sent.wanted
    _settle(
        transaction,
        sent,
        token,
        held=sent.wanted,
        held_digest=sent.wanted_digest,
        held_event=event,
        remote_id=receipt.remote_id or sent.remote_id,
        state=sa.case((current, "delivered"), else_="pending"),
        due=sa.case((current, sa.null()), else_=deliveries.c.due),
        error=None,
        changed=now,
    )


def failed(
    transaction: Transaction,
    sent: Delivery,
    *,
    token: str,
    state: DeliveryState,
    due: dt.datetime | None,
    error: str,
    now: dt.datetime,
) -> None:
    """The channel did not take `sent.wanted`: next try at `due`. Says nothing of a newer revision, which stays due."""
    current = deliveries.c.wanted == sent.wanted
    _settle(
        transaction,
        sent,
        token,
        state=sa.case((current, state), else_="pending"),
        due=sa.case((current, instant(due)), else_=deliveries.c.due),
        error=error,
        changed=now,
    )


def release(transaction: Transaction, ids: Sequence[str], *, token: str) -> None:
    """Give back what was claimed and not sent."""
    claims.release(transaction, deliveries.c.id, ids, token=token)


def abandon_all(transaction: Transaction, channel: str, *, error: str, now: dt.datetime) -> int:
    """Give up what a disabled channel is owed, withdrawals excepted. How many."""
    owed = (deliveries.c.channel == channel, deliveries.c.urgency == NORMAL, deliveries.c.due.is_not(None))
    given_up = sa.update(deliveries).where(*owed).values(state="abandoned", due=None, error=error, changed=now)
    return transaction.execute(given_up).rowcount


# --- looking ------------------------------------------------------------------------------------------------------


def one(transaction: Transaction, delivery_id: str) -> Delivery:
    """Raises sqlalchemy's NoResultFound where the delivery was for an article that no channel ever saw."""
    row = transaction.execute(sa.select(*_DELIVERY).where(deliveries.c.id == delivery_id)).one()
    return Delivery(**row._mapping)


def of_article(transaction: Transaction, article_id: str) -> list[Delivery]:
    """In the order of the channels' names."""
    return _many(transaction, deliveries.c.article == article_id)


def search(transaction: Transaction, *, state: str | None, channel: str | None, limit: int) -> list[Delivery]:
    where = []
    if state is not None:
        where.append(deliveries.c.state == state)
    if channel is not None:
        where.append(deliveries.c.channel == channel)
    return _many(transaction, *where, limit=limit)


def replay(
    transaction: Transaction,
    *,
    now: dt.datetime,
    id: str | None = None,
    channel: str | None = None,
    article_id: str | None = None,
) -> list[str]:
    """Give what was abandoned its second chance, now and with all its attempts. The channels concerned."""
    where = [deliveries.c.state == "abandoned"]
    for column, value in ((deliveries.c.id, id), (deliveries.c.channel, channel), (deliveries.c.article, article_id)):
        if value is not None:
            where.append(column == value)
    concerned = list(transaction.scalars(sa.select(deliveries.c.channel).where(*where)))
    again = {"state": "pending", "attempts": 0, "due": now, "changed": now}
    transaction.execute(sa.update(deliveries).where(*where).values(**again))
    return concerned


def counts(transaction: Transaction) -> dict[str, int]:
    """How many deliveries there are in each state."""
    rows = transaction.execute(sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state))
    return dict(rows.all())


_DELIVERY = tuple(deliveries.c[field] for field in Delivery.__struct_fields__)


def _holds_up() -> sa.ColumnElement[bool]:
    return sa.and_(
        deliveries.c.urgency == WITHDRAWAL,
        deliveries.c.due.is_not(None),
        deliveries.c.state.in_(("pending", "sending")),
        deliveries.c.attempts < HOLDS_UP,
    )


def _holding_up(transaction: Transaction, channel: str) -> bool:
    owed = sa.select(deliveries.c.id).where(deliveries.c.channel == channel, _holds_up())
    return transaction.execute(owed.limit(1)).first() is not None


def _settle(transaction: Transaction, sent: Delivery, token: str, **values: Any) -> None:
    mine = sa.and_(deliveries.c.id == sent.id, deliveries.c.lease == token)
    transaction.execute(sa.update(deliveries).where(mine).values(lease=None, leased_until=None, **values))


def _find(transaction: Transaction, delivery_id: str, *where: sa.ColumnElement[bool]) -> Delivery | None:
    query = sa.select(*_DELIVERY).where(deliveries.c.id == delivery_id, *where).with_for_update()
    row = transaction.execute(query).one_or_none()
    return None if row is None else Delivery(**row._mapping)


def _many(transaction: Transaction, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[Delivery]:
    query = sa.select(*_DELIVERY).where(*where).order_by(deliveries.c.article, deliveries.c.channel).limit(limit)
    return [Delivery(**row._mapping) for row in transaction.execute(query)]
