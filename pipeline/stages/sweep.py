"""The sweep: finds what is due and rings for it. What a lost doorbell left lying is found within about a second."""

from __future__ import annotations

from pipeline.ledger import due, leases
from pipeline.stages import hub
from pipeline.stages.context import LEASE, Context
from pipeline.stages.deliver.repair import repair_stranded
from pipeline.stages.enrich import watch

EVERY = 1.0  # seconds


def sweep(context: Context) -> bool:
    """Look once. Any number of processes may try; one of them in each interval does. Whether it was this one."""
    now, token = context.clock(), context.new_id(LEASE)
    with context.ledger.write() as transaction:
        if not leases.acquire(transaction, "sweep", token=token, now=now, seconds=EVERY * 0.9):
            return False
    repair_stranded(context)
    with context.ledger.read() as transaction:
        found = due.look(transaction, context.channels, now=now, night=watch.may_recheck(context, now=now))
    for channel in found.withdrawals:
        context.doorbell.ring("deliver", channel, urgent=True)
    for channel in found.deliveries:
        context.doorbell.ring("deliver", channel)
    if found.enrich:
        context.doorbell.ring("enrich")
    if found.render:
        context.doorbell.ring("render")
    if found.prove:
        context.doorbell.ring("prove")
    if found.feeds:
        context.doorbell.ring("feeds")
    for lane in hub.due_lanes(context):
        context.doorbell.ring("hub", lane)
    return True
