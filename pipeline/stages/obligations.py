"""obligations: once a day, check that what is cited is due to be asked about again, and whose review is overdue.

When to ask about a work is kept in its row, which several stages write. This checks all of them: what is cited is due
by the rules, or due now. A lease in the ledger enforces the day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import structlog

from pipeline.ledger import Transaction, articles, leases
from pipeline.ledger.articles import accepted, revisions
from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.ledger.evidence import obligations
from pipeline.ledger.evidence.obligations import Deadline
from pipeline.model.policy import ReviewPolicy
from pipeline.stages.context import LEASE, Context
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen

EVERY = dt.timedelta(days=1)
_LEASE = 600.0  # seconds after which a run that was killed is repeated
_GRACE = dt.timedelta(days=2)  # beyond the nights between two checks: a pause after failures, a source's own wish
_BATCH = 500  # works in a transaction

_log = structlog.get_logger()


class Obligations(Stage):
    name = "obligations"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if leases.is_free(transaction, self.name, now=now) else []

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        token = context.new_id(LEASE)
        with context.ledger.write() as transaction:
            taken = leases.acquire(transaction, self.name, token=token, now=context.clock(), seconds=_LEASE)
        return [Claim(token, (self.name,))] if taken else []

    def do(self, context: Context, claim: Claim) -> bool:
        repair(context)
        render_overdue(context)
        self._rest(context, claim, EVERY, failed=False)
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


def repair(context: Context) -> int:
    """Make due now what is cited and not due by the rules; return how many works and PMIDs of NCBI's that were."""
    now, nights = context.clock(), context.policy.recheck_days
    deadline = Deadline(now, now + dt.timedelta(days=nights) + _GRACE, nightly=nights > 0)
    with context.ledger.write() as transaction:
        found = obligations.repair_identifiers(transaction, deadline)
    with context.ledger.write() as transaction:
        found += obligations.repair_references(transaction, deadline)
    for source in context.sources:
        last: str | None = ""
        while last is not None:
            with context.ledger.write() as transaction:
                last = obligations.repair_checks(transaction, source, last, deadline, limit=_BATCH)
    if found:
        _log.warning("cited works were not due to be asked about", works=found)
    return found


def render_overdue(context: Context) -> None:
    """Have articles rendered whose review has become overdue, if that is to be marked or a reason to hold them."""
    policy, now = context.policy.overdue_review, context.clock()
    after: str | None = "" if policy != "notify" else None
    while after is not None:
        with context.ledger.write() as transaction:
            found = articles.overdue(transaction, now.date(), after=after, limit=_BATCH)
            due = [
                article_id
                for article_id, day, number in found
                if _is_news(transaction, article_id, day, number, policy)
            ]
            articles.make_due(transaction, due, due=now)
        after = found[-1][0] if found else None
        if due:
            context.doorbell.ring("render")


def _is_news(transaction: Transaction, article_id: str, day: dt.date, number: int | None, policy: ReviewPolicy) -> bool:
    if number is None:
        return False  # it is rendered anyway
    if policy == "mark":
        return not revisions.get(transaction, article_id, number).overdue
    released = accepted.of_article(transaction, article_id)
    return not any(one.covers(EVERYWHERE, f"review:{day}", accepted.OVERDUE) for one in released)
