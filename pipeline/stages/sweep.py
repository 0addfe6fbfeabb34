"""The sweep: find what is due and ring for it, so that work whose doorbell was lost waits only about a second."""

from __future__ import annotations

import datetime as dt
import functools

from pipeline.ledger import leases
from pipeline.ledger.clock import SWEEP
from pipeline.stages.context import LEASE, Context
from pipeline.stages.deliver.repair import repair_stranded
from pipeline.stages.flow import STAGES
from pipeline.stages.stage import Bell, Stage, caught
from pipeline.timing import SWEEP_EVERY


def sweep(context: Context) -> bool:
    """Run one sweep if no other process has run one in this interval; return whether it ran.

    A process that may take no work (`Context.hold`) does not sweep.
    A stage that fails to report what is due does not affect the others: its error is raised after they are rung for.
    """
    if context.hold() is not None:
        return False
    now, token = context.clock(), context.new_id(LEASE)
    with context.ledger.write(lasting=False) as transaction:
        if not leases.acquire(transaction, SWEEP, token=token, now=now, seconds=SWEEP_EVERY * 0.9):
            return False
    outcomes = _due_by_stage(context, now)
    bells = [(name, bell) for name, found in outcomes if isinstance(found, list) for bell in found]
    for name, bell in sorted(bells, key=lambda each: not each[1].urgent):  # withdrawals first
        context.doorbell.ring(name, bell.key, urgent=bell.urgent)
    for _, outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    repair_stranded(context)
    return True


def _due_by_stage(context: Context, now: dt.datetime) -> list[tuple[str, list[Bell] | Exception]]:
    """Ask every stage in one transaction or, if one of them fails, which ends it, each in a transaction of its own."""
    together = caught(functools.partial(_due_together, context, now))
    if not isinstance(together, Exception):
        return [(name, found) for name, found in together]
    return [(stage.name, caught(functools.partial(_due, context, stage, now))) for stage in STAGES]


def _due_together(context: Context, now: dt.datetime) -> list[tuple[str, list[Bell]]]:
    with context.ledger.read() as transaction:
        return [(stage.name, list(stage.due(context, transaction, now))) for stage in STAGES]


def _due(context: Context, stage: Stage, now: dt.datetime) -> list[Bell]:
    with context.ledger.read() as transaction:
        return list(stage.due(context, transaction, now))
