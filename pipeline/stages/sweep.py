"""The sweep: finds what is due and rings for it, so that work whose doorbell was lost waits for about a second."""

from __future__ import annotations

from pipeline.ledger import leases
from pipeline.stages import STAGES
from pipeline.stages.context import LEASE, Context
from pipeline.stages.deliver.repair import repair_stranded

EVERY = 1.0  # seconds


def sweep(context: Context) -> bool:
    """Run one sweep if no other process has run one in this interval; return whether it ran."""
    now, token = context.clock(), context.new_id(LEASE)
    with context.ledger.write() as transaction:
        if not leases.acquire(transaction, "sweep", token=token, now=now, seconds=EVERY * 0.9):
            return False
    repair_stranded(context)
    with context.ledger.read() as transaction:
        bells = [(stage.name, bell) for stage in STAGES for bell in stage.due(context, transaction, now)]
    for stage, bell in sorted(bells, key=lambda each: not each[1].urgent):  # withdrawals first
        context.doorbell.ring(stage, bell.key, urgent=bell.urgent)
    return True
