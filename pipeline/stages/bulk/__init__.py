"""bulk: carry out an action on all articles that matched a search, a portion in each transaction.

Each portion commits what was done, what became of each article and up to where the action has come. So an action goes
on where it was, whatever is killed. Other actions take turns with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline.errors import TransientError, code_of
from pipeline.ledger import Transaction, bulk
from pipeline.ledger.claims import DueRows
from pipeline.stages.bulk.portions import carry_out
from pipeline.stages.context import LEASE, Context
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen


class Bulk(Stage):
    name = "bulk"
    kind = "operation"
    threads = 1

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if bulk.any_due(transaction, now=now) else []

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        token = context.new_id(LEASE)
        with context.ledger.write() as transaction:
            found = bulk.claim(transaction, token=token, now=context.clock())
        return [Claim(token, (operation,)) for operation in found]

    def do(self, context: Context, claim: Claim) -> bool:
        (operation,) = claim.keys
        carry_out(context, operation, token=claim.token)
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Try the portion again later, with fewer articles if one of them may be at fault."""
        (operation,) = claim.keys
        with context.ledger.write() as transaction:
            attempts = bulk.attempts_at(transaction, operation)
            bulk.put_off(
                transaction,
                operation,
                token=claim.token,
                due=context.clock() + dt.timedelta(seconds=unforeseen(attempts)),
                error=code_of(error),
                counts=not isinstance(error, TransientError),
            )

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        with context.ledger.write() as transaction:
            for claim in claims:
                bulk.release(transaction, claim.keys, token=claim.token)

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        return bulk.due_rows(now)
