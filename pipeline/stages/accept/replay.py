"""replay: resend abandoned deliveries, those of one cause, or everything since a given time, as an operation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles, deliveries, operations
from pipeline.ledger.deliveries import channels, failing
from pipeline.ledger.operations import Operation, Part
from pipeline.stages.accept import Intake
from pipeline.stages.failures import Failure, concerned, failures


class Replayed(Struct, frozen=True):
    """`operation` is None if there was nothing to send again, and no channel to enable."""

    operation: str | None
    count: int
    delivered: int = 0  # of them: the channel has accepted them before, and gets them a second time
    newer: int = 0  # left alone: they failed of the cause after it was looked at
    retried: bool = False  # the article had been set aside, and is rendered again


def replay(
    intake: Intake,
    *,
    by: str,
    id: str | None = None,
    channel: str | None = None,
    article_id: str | None = None,
    since: dt.datetime | None = None,
) -> Replayed:
    """Make these deliveries due now, with all their attempts restored. A disabled channel that is named is enabled.

    An article that was set aside, and is named, is rendered again.

    For which deliveries, see `deliveries.replay`. Raises TransientError as the ledger does.
    """
    now = intake.clock()
    with intake.ledger.write() as transaction:
        enabled = channel if channel is not None and channels.enable(transaction, channel) else None
        retried = article_id if article_id and articles.try_again(transaction, article_id, now=now) else None
        again = deliveries.replay(transaction, now=now, id=id, channel=channel, article_id=article_id, since=since)
        done = _recorded(intake, transaction, again, by=by, now=now, enabled=enabled, retried=retried)
    if done.retried:
        intake.doorbell.ring("render")
    _ring(intake, again)
    return done


class Again(Struct, frozen=True):
    """What a partner is sent again. `next_since`: from when on the rest follows; None: nothing is left."""

    done: Replayed
    left: int
    next_since: dt.datetime | None


def replay_portion(
    intake: Intake, *, by: str, channel: str, since: dt.datetime, before: dt.datetime, limit: int
) -> Again:
    """Send a channel again what it was sent from `since` up to `before`, at most `limit` of it, the oldest first.

    What was sent again ends later than `before`, so asking with the same `before` sends nothing twice.
    """
    now = intake.clock()
    with intake.ledger.write() as transaction:
        enabled = channel if channels.enable(transaction, channel) else None
        again = deliveries.replay(transaction, now=now, channel=channel, since=since, before=before, limit=limit)
        done = _recorded(intake, transaction, again, by=by, now=now, enabled=enabled)
        left, first = deliveries.left_to_replay(transaction, channel, since=since, before=before)
    _ring(intake, again)
    return Again(done, left, first)


def replay_failure(intake: Intake, key: str, *, seen: dt.datetime, by: str) -> Replayed:
    """Make the failing deliveries of a cause due now, those that had failed of it by the time it was `seen`.

    They are found and made due in one transaction, so that a process that is killed has replayed all of them or none.
    Deliveries that wait for their next attempt are made due as well, and a channel that was disabled is enabled. Raises
    InvalidEvent `unknown-failure`.
    """
    now = intake.clock()
    with intake.ledger.read() as transaction:  # a cause never changes, and naming one reads all channels
        cause = failure_named(transaction, key, now=now).cause
    with intake.ledger.write() as transaction:
        ids, newer = concerned(cause, failing.of_channel(transaction, cause.channel), seen=seen)
        enabled = cause.channel if channels.enable(transaction, cause.channel) else None
        again = failing.replay(transaction, ids, now=now)
        done = _recorded(intake, transaction, again, by=by, now=now, enabled=enabled)
    _ring(intake, again)
    return structs.replace(done, newer=newer)


def failure_named(transaction: Transaction, key: str, *, now: dt.datetime) -> Failure:
    """Return the failure whose key begins so. Raises InvalidEvent `unknown-failure` unless there is exactly one."""
    found = [one for one in failures(failing.tallies(transaction), seen=now) if one.cause.key.startswith(key)]
    if len(found) != 1:
        message = f"{'several failures begin with' if found else 'there is no failure'} {key!r}"
        raise InvalidEvent(message, code="unknown-failure", hint="use a key that `citewire failures` shows")
    return found[0]


def _recorded(
    intake: Intake,
    transaction: Transaction,
    again: Sequence[deliveries.Replayed],
    *,
    by: str,
    now: dt.datetime,
    enabled: str | None,
    retried: str | None = None,
) -> Replayed:
    operation = Operation(intake.new_id("op_"), "replay", by, now)
    parts = [replayed_part(one) for one in again]
    if enabled is not None:
        parts.append(Part(None, None, None, "enabled", channel=enabled, reason="was disabled"))
    if retried is not None:
        parts.append(Part(retried, None, None, "replayed", reason="was set aside"))
    if parts:
        operations.record(transaction, operation, parts)
    repeated = sum(one.state == "delivered" for one in again)
    return Replayed(operation.id if parts else None, len(again), repeated, retried=retried is not None)


def _ring(intake: Intake, again: Sequence[deliveries.Replayed]) -> None:
    for ringing in sorted({one.channel for one in again}):
        intake.doorbell.ring("deliver", ringing)


def replayed_part(one: deliveries.Replayed) -> Part:
    """Return the part of an operation that says what was sent again, and why."""
    reason = f"was {one.state}" + (f": {one.error}" if one.error else "")
    return Part(one.article, one.revision, one.revision, "replayed", channel=one.channel, reason=reason)
