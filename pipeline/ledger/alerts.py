"""Episodes of conditions that need a person, and the notices sent about their beginning and their end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import alert_notices, alerts

Kind = Literal["opened", "ended"]

KEPT = dt.timedelta(days=90)  # after its end


class Alert(Struct, frozen=True):
    id: str
    key: str
    condition: bytes
    opened: dt.datetime
    ended: dt.datetime | None


def update(
    transaction: Transaction, conditions: Mapping[str, bytes], ids: Mapping[str, str], *, now: dt.datetime
) -> None:
    """Open an episode for each new condition, by key, under its id, and end those whose condition is gone."""
    transaction.execute(sa.delete(alert_notices).where(alert_notices.c.alert.in_(_old(now))))
    transaction.execute(sa.delete(alerts).where(alerts.c.id.in_(_old(now))))
    known = dict(transaction.execute(sa.select(alerts.c.key, alerts.c.id).where(alerts.c.ended.is_(None))).all())
    gone = [id for key, id in known.items() if key not in conditions]
    transaction.execute(sa.update(alerts).where(alerts.c.id.in_(gone)).values(ended=now))
    for key, condition in conditions.items():
        if key not in known:
            row = insert(transaction, alerts).values(id=ids[key], key=key, condition=condition, opened=now)
            transaction.execute(row.on_conflict_do_nothing())


def unsent(transaction: Transaction, receiver: str) -> list[tuple[Kind, Alert]]:
    """Return the notices to send to a receiver: new episodes, and the end of those whose beginning it was sent."""
    columns = [alerts.c[name] for name in Alert.__struct_fields__]
    began = sa.select(*columns).where(alerts.c.ended.is_(None), ~_was_sent(receiver, "opened"))
    over = sa.select(*columns).where(
        alerts.c.ended.is_not(None), _was_sent(receiver, "opened"), ~_was_sent(receiver, "ended")
    )
    found: list[tuple[Kind, Alert]] = []
    kinds: Sequence[tuple[Kind, sa.Select[Any]]] = (("opened", began), ("ended", over))
    for kind, query in kinds:
        rows = transaction.execute(query.order_by(alerts.c.opened, alerts.c.id))
        found += [(kind, Alert(*row)) for row in rows]
    return found


def mark_sent(
    transaction: Transaction, receiver: str, notices: Collection[tuple[Kind, Alert]], *, now: dt.datetime
) -> None:
    """Record that these notices were sent to the receiver."""
    for kind, alert in notices:
        row = insert(transaction, alert_notices).values(alert=alert.id, receiver=receiver, kind=kind, at=now)
        transaction.execute(row.on_conflict_do_nothing())


def _was_sent(receiver: str, kind: Kind) -> sa.ColumnElement[bool]:
    mine = (alert_notices.c.alert == alerts.c.id, alert_notices.c.receiver == receiver, alert_notices.c.kind == kind)
    return sa.exists().where(*mine)


def _old(now: dt.datetime) -> sa.Select[tuple[str]]:
    return sa.select(alerts.c.id).where(alerts.c.ended < now - KEPT)
