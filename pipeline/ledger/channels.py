"""What is known of each channel as a whole: whether it answers, and whether it asked to be left alone."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import channels


class Health(Struct, frozen=True):
    failures: int = 0  # transient ones, in a row, over all articles
    paused_until: dt.datetime | None = None
    disabled: dt.datetime | None = None
    reason: str | None = None


def health(transaction: Transaction, channel: str) -> Health:
    row = transaction.execute(sa.select(*_HEALTH).where(channels.c.id == channel)).one_or_none()
    return Health() if row is None else Health(*row)


def answered(transaction: Transaction, channel: str) -> None:
    """The other end took something or refused it: it is there."""
    well = {"failures": 0, "paused_until": None, "reason": None}
    transaction.execute(sa.update(channels).where(channels.c.id == channel, channels.c.failures > 0).values(**well))


def failed(
    transaction: Transaction, channel: str, *, failures: int, paused_until: dt.datetime | None, reason: str
) -> None:
    """The other end did not answer for the `failures`-th time in a row; nothing is sent before `paused_until`."""
    _set(transaction, channel, failures=failures, paused_until=paused_until, reason=reason)


def disable(transaction: Transaction, channel: str, *, now: dt.datetime, reason: str) -> None:
    """The endpoint is gone (410). Only withdrawals still try it."""
    _set(transaction, channel, disabled=now, reason=reason)


def enable(transaction: Transaction, channel: str) -> None:
    """An operator says that the endpoint is there again."""
    _set(transaction, channel, disabled=None, reason=None, failures=0, paused_until=None)


_HEALTH = tuple(channels.c[field] for field in Health.__struct_fields__)


def _set(transaction: Transaction, channel: str, **values: object) -> None:
    upsert = insert(transaction, channels).values(id=channel, **({"failures": 0} | values))
    transaction.execute(upsert.on_conflict_do_update(index_elements=[channels.c.id], set_=values))
