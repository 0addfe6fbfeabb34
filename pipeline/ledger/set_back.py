"""Move what was planned while a clock was ahead, once it has been set back."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import metadata

_PLANNED = (
    "due",
    "leased_until",
    "not_before",
    "paused_until",
    "next_send",
    "next_batch",
    "check_due",  # of a place: to be read back
    "alive_until",  # of an operation: to count as interrupted
)


def set_back(transaction: Transaction, by: dt.timedelta, *, now: dt.datetime) -> None:
    """Bring every planned time after `now` forward by `by`.

    What was planned before the clock went wrong comes up early. That does no harm: a delivery is tried a little sooner,
    and an article under embargo is put off again when it comes up.
    """
    microseconds = by // dt.timedelta(microseconds=1)
    for table in metadata.tables.values():
        for name in _PLANNED:
            if name in table.c:
                earlier = sa.type_coerce(table.c[name], sa.BigInteger) - microseconds
                transaction.execute(sa.update(table).where(table.c[name] > now).values({name: earlier}))
