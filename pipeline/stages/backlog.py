"""What every stage has to do now, and since when."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction
from pipeline.ledger.claims import Due, read_due
from pipeline.stages.context import Context
from pipeline.stages.flow import STAGES


def backlogs(context: Context, transaction: Transaction, now: dt.datetime) -> dict[str, Due]:
    """Return what is due for each stage, in their order.

    One statement counts the rows of all stages that work on rows. The others, such as those that a named lease lets run
    once a day, are asked which of their parts are due.
    """
    rows = {stage.name: found for stage in STAGES if (found := stage.due_rows(context, now)) is not None}
    due = read_due(transaction, rows)
    return {
        stage.name: due[stage.name] if stage.name in due else Due(sum(1 for _ in stage.due(context, transaction, now)))
        for stage in STAGES
    }
