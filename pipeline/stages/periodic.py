"""The base of stages that one process of the site runs at a time, and runs again after a pause."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

from pipeline.ledger import Transaction, leases
from pipeline.ledger.claims import DueRows
from pipeline.stages.context import LEASE, Context
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen


class Periodic(Stage):
    """A stage whose pause is enforced by its lease in the ledger, whatever the number of processes."""

    budget = 3600.0
    every: ClassVar[dt.timedelta]  # from the end of a run to the next
    lease: ClassVar[float]  # seconds after which a run that was killed is repeated

    @abstractmethod
    def run(self, context: Context) -> None:
        """Do the work."""

    def pause(self, now: dt.datetime) -> dt.timedelta:
        """Return how long it rests after a run."""
        return self.every

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if leases.is_free(transaction, self.name, now=now) else []

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        """Return one row if the pause is over."""
        return leases.due_rows(self.name, now)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        token = context.new_id(LEASE)
        with context.ledger.write() as transaction:
            taken = leases.acquire(transaction, self.name, token=token, now=context.clock(), seconds=self.lease)
        return [Claim(token, (self.name,))] if taken else []

    def do(self, context: Context, claim: Claim) -> bool:
        self.run(context)
        self._rest(context, claim, self.pause(context.clock()), failed=False)
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        with context.ledger.read() as transaction:
            failures = leases.failures(transaction, self.name)
        self._rest(context, claim, dt.timedelta(seconds=unforeseen(failures)), failed=True)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: there is at most one claim, and it is processed."""

    def _rest(self, context: Context, claim: Claim, pause: dt.timedelta, *, failed: bool) -> None:
        until = context.clock() + pause
        with context.ledger.write() as transaction:
            leases.release(transaction, self.name, token=claim.token, not_before=until, failed=failed)
