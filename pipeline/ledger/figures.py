"""The figures for /metrics, counted from indexes, so that the cost does not grow with the archive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Instant, Transaction, instant, moment_of
from pipeline.ledger.tables import attempts, deliveries, feeds, identifiers, places, references, revisions


def references_by_standing(transaction: Transaction) -> dict[tuple[str, str], int]:
    """Count the references in each (state, editorial states as words, such as "retracted concern")."""
    key = (references.c.state, references.c.editorial)
    rows = transaction.execute(sa.select(*key, sa.func.count()).group_by(*key))
    return {(state, editorial): count for state, editorial, count in rows}


def identifiers_by_state(transaction: Transaction) -> dict[str, int]:
    """Count the cited DOIs, PMCIDs and books in each state."""
    rows = transaction.execute(sa.select(identifiers.c.state, sa.func.count()).group_by(identifiers.c.state))
    return dict(rows.all())


def attempts_by_outcome(transaction: Transaction, *, since: dt.datetime) -> dict[str, int]:
    """Count the attempts since a moment, by outcome."""
    counted = sa.select(attempts.c.outcome, sa.func.count()).where(attempts.c.at >= since).group_by(attempts.c.outcome)
    return dict(transaction.execute(counted).all())


class Sends(Struct, frozen=True):
    """Attempts at places of one type with one outcome. `within`: how many were made so soon after the publish."""

    type: str
    outcome: str
    count: int
    within: tuple[int, ...]  # for each of the bounds that were asked for
    seconds: float  # of all of them together


def sends(transaction: Transaction, *, since: dt.datetime, bounds: Sequence[float]) -> list[Sends]:
    """Count the attempts since a moment by the type of their place, their outcome and the time since the publish."""
    micros = sa.BigInteger()
    took = sa.type_coerce(attempts.c.at, micros) - sa.type_coerce(revisions.c.at, micros)
    kind = sa.func.coalesce(places.c.type, "")
    query = (
        sa.select(
            kind,
            attempts.c.outcome,
            sa.func.count(),
            sa.func.sum(took),
            *(sa.func.sum(sa.case((took <= int(bound * 1e6), 1), else_=0)) for bound in bounds),
        )
        .join(deliveries, deliveries.c.id == attempts.c.delivery)
        .join(
            revisions, sa.and_(revisions.c.article == deliveries.c.article, revisions.c.number == attempts.c.revision)
        )
        .outerjoin(places, places.c.key == deliveries.c.channel)
        .where(attempts.c.at >= since)
        .group_by(kind, attempts.c.outcome)
        .order_by(kind, attempts.c.outcome)
    )
    return [
        Sends(type, outcome, count, tuple(map(int, within)), float(total) / 1e6)
        for type, outcome, count, total, *within in transaction.execute(query)
    ]


def stale_feeds(transaction: Transaction) -> int:
    """Count the feeds that need to be built."""
    return transaction.scalar(sa.select(sa.func.count()).select_from(feeds).where(feeds.c.due.is_not(None))) or 0


class Backlog(Struct, frozen=True):
    """What a channel has not got yet. `since`: when the oldest of these changes was made."""

    channel: str
    count: int
    since: dt.datetime


def backlogs(transaction: Transaction) -> list[Backlog]:
    """Return what is outstanding by channel, the oldest change first. What waits to be pulled is counted, too."""
    made = sa.and_(revisions.c.article == deliveries.c.article, revisions.c.number == deliveries.c.target_revision)
    found: dict[str, Backlog] = {}
    for outstanding in (deliveries.c.due.is_not(None), deliveries.c.available.is_not(None)):
        query = (
            sa.select(deliveries.c.channel, sa.func.count(), sa.func.min(revisions.c.at, type_=Instant()))
            .join(revisions, made)
            .where(outstanding)
            .group_by(deliveries.c.channel)
        )
        for channel, count, since in transaction.execute(query):
            before = found.get(channel)
            both = (before.count if before else 0) + count
            found[channel] = Backlog(channel, both, min(before.since, since) if before else since)
    return sorted(found.values(), key=lambda one: (one.since, one.channel))


class HourOfAttempts(Struct, frozen=True):
    """The attempts in the hour that begins at `at`."""

    at: dt.datetime
    count: int
    failed: int  # those that were not accepted


def attempts_by_hour(transaction: Transaction, *, since: dt.datetime, until: dt.datetime) -> list[HourOfAttempts]:
    """Count the attempts in each hour. Both ends are whole hours.

    One statement: all attempts of an hour are counted in one index, and the few that failed in another.
    """
    at = sa.type_coerce(attempts.c.at, sa.BigInteger())
    hour = sa.select(_micros(since).label("at")).cte("hours", recursive=True)
    following = hour.c.at + sa.literal(_HOUR, sa.BigInteger())
    hour = hour.union_all(sa.select(following).where(following < _micros(until)))
    within = (at >= hour.c.at, at < hour.c.at + sa.literal(_HOUR, sa.BigInteger()))
    count = sa.select(sa.func.count()).select_from(attempts)
    every, failed = count.where(*within), count.where(*within, _FAILED)
    query = sa.select(hour.c.at, every.scalar_subquery(), failed.scalar_subquery()).order_by(hour.c.at)
    return [HourOfAttempts(moment_of(begins), *counts) for begins, *counts in transaction.execute(query)]


def _micros(at: dt.datetime) -> sa.ColumnElement[int]:
    """Return a moment as it is stored, with its type, which a recursive query needs to know."""
    return sa.cast(instant(at), sa.BigInteger())


_HOUR = 3_600_000_000  # microseconds
_FAILED = attempts.c.outcome != sa.literal_column("'delivered'")  # as in the index
