"""replay: resend abandoned deliveries, or everything delivered since a given time, as an operation."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from pipeline.ledger import deliveries, operations
from pipeline.ledger.deliveries import channels
from pipeline.ledger.operations import Operation, Part
from pipeline.stages.accept import Intake


class Replayed(Struct, frozen=True):
    """`operation` is None if there was nothing to send again."""

    operation: str | None
    count: int


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

    For which deliveries, see `deliveries.replay`. Raises TransientError as the ledger does.
    """
    now = intake.clock()
    with intake.ledger.write() as transaction:
        if channel is not None:
            channels.enable(transaction, channel)
        again = deliveries.replay(transaction, now=now, id=id, channel=channel, article_id=article_id, since=since)
        operation = Operation(intake.new_id("op_"), "replay", by, now)
        if again:
            operations.record(transaction, operation, [_part(one) for one in again])
    for ringing in sorted({one.channel for one in again}):
        intake.doorbell.ring("deliver", ringing)
    return Replayed(operation.id if again else None, len(again))


def _part(one: deliveries.Replayed) -> Part:
    reason = f"was {one.state}" + (f": {one.error}" if one.error else "")
    return Part(one.article, one.revision, one.revision, "replayed", channel=one.channel, reason=reason)
