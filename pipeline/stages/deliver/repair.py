"""Find deliveries that no worker would ever pick up, make them due again, and log it."""

from __future__ import annotations

import structlog

from pipeline.ledger.deliveries import repair
from pipeline.stages.context import Context

_log = structlog.get_logger()


def repair_stranded(context: Context) -> int:
    """Make stranded deliveries due again and return how many there were. Usually this is just two index look-ups.

    Deliveries that waited to be fetched from a channel that is now pushed to are expected. Any other is a bug of ours
    that the schema's constraints should have prevented.
    """
    now = context.clock()
    with context.ledger.read() as transaction:
        lost = repair.stranded(transaction, now=now)
        unfetched = repair.unfetched(transaction, lambda channel: _is_pushed(context, channel))
    if not lost and not unfetched:
        return 0
    with context.ledger.write() as transaction:
        repaired = repair.repair(transaction, lost, why="stranded: no worker would have picked it up", now=now)
        moved = repair.repair(transaction, unfetched, why="the channel is not pulled from any more", now=now)
    if repaired:
        _log.error("stranded deliveries are due again", count=repaired, deliveries=lost[:10])
    if moved:
        _log.warning("unfetched deliveries are pushed", count=moved, deliveries=unfetched[:10])
    return repaired + moved


def _is_pushed(context: Context, channel: str) -> bool:
    plan = context.channels.get(channel)
    return plan is not None and not plan.is_pull
