"""obligations: once a day, check that what is cited is due to be asked about again, and whose review is overdue.

When to ask about a work is kept in its row, which several stages write. This checks all of them: what is cited is due
by the rules, or due now. It runs at midnight (UTC), because that is when the day of a review has passed.
"""

from __future__ import annotations

import datetime as dt

import structlog

from pipeline.ledger import articles
from pipeline.ledger.articles import accepted
from pipeline.ledger.evidence import obligations
from pipeline.ledger.evidence.obligations import Deadline
from pipeline.stages.context import Context
from pipeline.stages.periodic import Periodic
from pipeline.stages.render.withhold import is_released

EVERY = dt.timedelta(days=1)
_GRACE = dt.timedelta(days=2)  # beyond the nights between two checks: a pause after failures, a source's own wish
_BATCH = 500  # works in a transaction

_log = structlog.get_logger()


class Obligations(Periodic):
    name = "obligations"
    every = EVERY
    lease = 600.0

    def pause(self, now: dt.datetime) -> dt.timedelta:
        return dt.datetime.combine(now.date(), dt.time(), dt.UTC) + EVERY - now

    def run(self, context: Context) -> None:
        render_overdue(context)
        repair(context)


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
            released = accepted.of_articles(transaction, [article_id for article_id, _, _ in found])
            due = [
                article_id
                for article_id, day, is_marked in found
                if not (is_marked if policy == "mark" else is_released(released.get(article_id, ()), day))
            ]
            articles.make_due(transaction, due, due=now)
        after = found[-1][0] if found else None
        if due:
            context.doorbell.ring("render")
