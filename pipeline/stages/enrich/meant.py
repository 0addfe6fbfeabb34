"""Look for the papers that authors meant where an identifier leads to another one. The answer is for people only."""

from __future__ import annotations

import datetime as dt

import structlog

from pipeline.ledger.evidence import mismatches
from pipeline.stages.context import Context
from pipeline.stages.enrich.schedule import MATCHER, Schedule
from pipeline.stages.stage import Claim

_log = structlog.get_logger()


def _ids_of(claim: Claim) -> list[str]:
    """Return the mismatched references that a batch is for."""
    return [key.partition(" ")[2] for key in claim.keys]


def look_for(context: Context, claim: Claim) -> None:
    """Ask NCBI's matchers, and store what they found. Raises TransientError if they do not answer."""
    ids, schedule = _ids_of(claim), Schedule(context)
    with context.ledger.read() as transaction:
        words = mismatches.words_of(transaction, ids)
    assert context.matcher is not None, "only a matcher's batches are claimed"
    found = context.matcher.match(list(dict.fromkeys(words.values())))
    answered = [id for id in words if words[id] in found.answered]
    suggested = {id: found.pmids[words[id]] for id in answered if words[id] in found.pmids}
    now = context.clock()
    with context.ledger.write() as transaction:
        mismatches.settle(transaction, answered, suggested, token=claim.token, now=now)
        left_out = [id for id in ids if id not in answered]
        mismatches.put_off(transaction, left_out, token=claim.token, due=schedule.left_out(now))
        schedule.answered(transaction, MATCHER, token=claim.token, counted=now)
    _log.info("looked for what was meant", citations=len(answered), found=len(suggested))


def failed(context: Context, claim: Claim, error: Exception, *, now: dt.datetime) -> None:
    with context.ledger.write() as transaction:
        due = Schedule(context).failed(transaction, MATCHER, error, token=claim.token, now=now)
        mismatches.put_off(transaction, _ids_of(claim), token=claim.token, due=due)
