"""The health of each channel: whether it answers, and when it may be sent to again."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims, skipping
from pipeline.ledger.claims import DueRows
from pipeline.ledger.database import Transaction
from pipeline.ledger.deliveries import IS_ANY, IS_NORMAL, IS_WITHDRAWAL, MAY_WAIT
from pipeline.ledger.kept import NewInsert, add_missing, kept, one_of
from pipeline.ledger.tables import channels, deliveries

CircuitState = Literal["closed", "open", "half-open", "disabled"]
PausedBy = Literal["partner"]


class Health(Struct, frozen=True):
    """A channel's health as observed when sending. The defaults apply to a channel that was never sent to."""

    failures: int = 0  # transient failures in a row, over all articles
    paused_until: dt.datetime | None = None
    disabled: dt.datetime | None = None
    reason: str | None = None
    failing: dt.datetime | None = None  # since when it has accepted nothing, but something failed or was refused
    opened: dt.datetime | None = None  # when its circuit opened; None while it is closed
    answered: dt.datetime | None = None  # when it last accepted or refused something
    next_send: dt.datetime | None = None  # the earliest time of the next send, by its rate
    next_batch: dt.datetime | None = None  # the earliest time of the next batch, by its interval
    paused: dt.datetime | None = None  # since when it is sent nothing, withdrawals included
    pause_reason: str | None = None
    paused_by: PausedBy | None = None  # None: an operator, or it is not paused

    def rests(self, now: dt.datetime) -> bool:
        """Return whether the channel should be left alone at this time."""
        return self.paused is not None or (self.paused_until is not None and self.paused_until > now)

    def circuit(self, now: dt.datetime) -> CircuitState:
        """Return the state of its circuit breaker; `pipeline.stages.deliver.circuit` changes it."""
        if self.disabled is not None:
            return "disabled"
        if self.opened is None:
            return "closed"
        return "open" if self.paused_until is not None and self.paused_until > now else "half-open"


_HEALTH = tuple(channels.c[field] for field in Health.__struct_fields__)
_OF_ONE = sa.select(*_HEALTH).where(channels.c.id == sa.bindparam("of_channel"))
_OF_ONE_TO_CHANGE = _OF_ONE.with_for_update()
_OF_MANY = sa.select(channels.c.id, *_HEALTH).where(one_of(channels.c.id, "of_channels"))
_OF_MANY_TO_CHANGE = _OF_MANY.with_for_update(skip_locked=True)
_RESTING = sa.select(channels.c.id).where(sa.or_(channels.c.paused_until > claims.NOW, channels.c.paused.is_not(None)))
_INTRODUCE = add_missing(channels)
_ANSWERED = sa.update(channels).where(one_of(channels.c.id, "of_channels")).values(answered=sa.bindparam("answered_at"))


def health(transaction: Transaction, channel: str, *, lock: bool = False) -> Health:
    """Return the health of a channel, with its row locked if `lock` is set because it is about to be changed."""
    query = _OF_ONE_TO_CHANGE if lock else _OF_ONE
    row = transaction.execute(query, {"of_channel": channel}).one_or_none()
    return Health() if row is None else Health(*row)


def resting(transaction: Transaction, now: dt.datetime) -> frozenset[str]:
    """Return the channels that should be left alone now."""
    return frozenset(transaction.scalars(_RESTING, {"now": now}))


class DueChannel(Struct, frozen=True):
    """A channel that does not rest, and since when withdrawals and other deliveries are due for it, if any are."""

    id: str
    withdrawals: dt.datetime | None
    others: dt.datetime | None

    @property
    def since(self) -> dt.datetime:
        return min(at for at in (self.withdrawals, self.others) if at is not None)


def _first_of_each() -> sa.Select[Any]:
    """Select each channel with outstanding deliveries, and since when withdrawals and others are due for it."""
    channel = skipping.values_of(deliveries.c.channel, deliveries.c.due.is_not(None))

    def first(kind: sa.ColumnElement[bool]) -> sa.ScalarSelect[dt.datetime]:
        mine = (deliveries.c.channel == channel.c.value, kind, claims.is_due_then(deliveries))
        return sa.select(deliveries.c.due).where(*mine).order_by(deliveries.c.due).limit(1).scalar_subquery()

    others = sa.func.coalesce(first(IS_NORMAL), first(MAY_WAIT))
    return sa.select(channel.c.value, first(IS_WITHDRAWAL), others).where(channel.c.value.is_not(None))


_FIRST_OF_EACH = _first_of_each()


def with_due_deliveries(transaction: Transaction, now: dt.datetime) -> list[DueChannel]:
    """Return the channels that do not rest and have deliveries that are due. One statement, or two, for all of them.

    Only channels with outstanding deliveries are looked at, so nothing is read of a site that has delivered everything.
    """
    rows = transaction.execute(_FIRST_OF_EACH, claims.at(now))
    found = [DueChannel(*row) for row in rows]
    asleep = resting(transaction, now) if found else frozenset()
    return [one for one in found if (one.withdrawals or one.others) and one.id not in asleep]


def due_rows(channel_ids: Collection[str], now: dt.datetime) -> DueRows:
    """Return the deliveries to one of the channels that are due."""
    channel = skipping.values_of(deliveries.c.channel, deliveries.c.due.is_not(None))
    counted = claims.count_of(deliveries, deliveries.c.due <= now, IS_ANY, deliveries.c.channel.in_(channel_ids))
    mine = channel.c.value.in_(channel_ids)

    def first(kind: sa.ColumnElement[bool]) -> sa.Select[tuple[dt.datetime]]:
        earliest = claims.first_of(
            deliveries, deliveries.c.channel == channel.c.value, kind, deliveries.c.due.is_not(None)
        )
        return sa.select(earliest.scalar_subquery()).select_from(channel).where(mine)

    return DueRows((counted,), tuple(map(first, (IS_WITHDRAWAL, IS_NORMAL, MAY_WAIT))))


def healths(transaction: Transaction, channel_ids: Collection[str], *, lock: bool = False) -> dict[str, Health]:
    """Return the health of the channels that have been sent to.

    `lock`: lock them because they are about to be changed, and leave out those that another transaction has locked.
    """
    query = _OF_MANY_TO_CHANGE if lock else _OF_MANY
    rows = transaction.execute(query, {"of_channels": list(channel_ids)})
    return {id: Health(*row) for id, *row in rows}


def introduce(transaction: Transaction, channel_ids: Collection[str]) -> None:
    """Record channels that were never sent to, so that their rows can be locked."""
    if channel_ids:
        rows = [{"id": id, "failures": 0} for id in sorted(channel_ids)]  # in one order, whoever else introduces them
        transaction.execute(_INTRODUCE(transaction), rows)


def mark_answered(transaction: Transaction, channel_ids: Collection[str], *, now: dt.datetime) -> None:
    """Record that these channels, which are well, accepted something."""
    if channel_ids:
        transaction.execute(_ANSWERED, {"of_channels": list(channel_ids), "answered_at": now})


def keep(transaction: Transaction, channel: str, known: Health) -> None:
    """Store a channel's health. The times of the next send and batch are stored by `reserve`."""
    shown = ("failures", "paused_until", "disabled", "reason", "failing", "opened", "answered")
    _set(transaction, channel, **{name: getattr(known, name) for name in shown})


def reserve(
    transaction: Transaction,
    channel: str,
    *,
    next_send: dt.datetime | None = None,
    next_batch: dt.datetime | None = None,
) -> None:
    """Prevent further claims before these times; None leaves a time as it was."""
    given = {"next_send": next_send, "next_batch": next_batch}
    changed = {name: at for name, at in given.items() if at is not None}
    if changed:
        _set(transaction, channel, **changed)


def enable(transaction: Transaction, channel: str) -> bool:
    """Enable a channel and close its circuit, because an operator says that the endpoint works again.

    Return whether it was disabled.
    """
    was_disabled = health(transaction, channel, lock=True).disabled is not None
    _set(transaction, channel, disabled=None, reason=None, failures=0, paused_until=None, opened=None)
    return was_disabled


def pause(transaction: Transaction, channel: str, *, reason: str, now: dt.datetime, by: PausedBy | None = None) -> bool:
    """Send nothing to the channel until it is resumed; return False if it is paused already.

    `by`: None: an operator.
    """
    if health(transaction, channel, lock=True).paused is not None:
        return False
    _set(transaction, channel, paused=now, pause_reason=reason, paused_by=by)
    return True


def resume(transaction: Transaction, channel: str) -> bool:
    """Send to a paused channel again; return False if it is not paused."""
    if health(transaction, channel, lock=True).paused is None:
        return False
    _set(transaction, channel, paused=None, pause_reason=None, paused_by=None)
    return True


def forget(transaction: Transaction, channel: str) -> None:
    """Delete the record of a channel that is no longer configured."""
    transaction.execute(sa.delete(channels).where(channels.c.id == channel))


def _set(transaction: Transaction, channel: str, **values: object) -> None:
    transaction.execute(_setting(tuple(values))(transaction), {"id": channel, "failures": 0, **values})


@functools.cache
def _setting(names: tuple[str, ...]) -> Callable[[Transaction], sa.Executable]:
    """Keep the statement that sets these columns of a channel, whether it has a row or not."""

    def build(insert: NewInsert) -> sa.Executable:
        new = insert(channels)
        return new.on_conflict_do_update(
            index_elements=[channels.c.id], set_={name: new.excluded[name] for name in names}
        )

    return kept(build)
