"""Ask all sources about one paper again, because somebody wants to know now."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.ledger.evidence import cited, rechecks
from pipeline.stages import acts
from pipeline.stages.accept import Intake
from pipeline.stages.acts import act_of

REST = dt.timedelta(minutes=1)  # after PubMed's answer about a paper, in which it is not asked about that one again


class Asked(Struct, frozen=True):
    """`asked`: False if it was about to be asked anyway, or has just been answered."""

    operation: str
    pmid: str
    asked: bool


def ask_again(intake: Intake, pmid: str, *, by: str) -> Asked:
    """Have PubMed and the other sources asked about a paper now, at the rate at which they are asked anyway.

    Raises InvalidEvent `unknown-reference`.
    """
    act = act_of(intake, by)
    with intake.ledger.write() as transaction:
        times = cited.times(transaction, [pmid]).get(pmid)
        if times is None:
            hint = "look at the list of references"
            raise InvalidEvent(f"no article here ever cited {pmid}", code="unknown-reference", field="pmid", hint=hint)
        reason = None
        if rechecks.is_requested(transaction, pmid, now=act.at):
            reason = "it is about to be asked about"
        elif times.fetched is not None and times.fetched > act.at - REST:
            reason = "PubMed has just answered"
        if reason is None:
            acts.recheck(transaction, act, [pmid])
        else:
            acts.record(transaction, act, "recheck", "unchanged", reason=f"PMID {pmid}: {reason}")
    if reason is None:
        intake.doorbell.ring("enrich")
        intake.doorbell.ring("sources")
    return Asked(act.operation, pmid, reason is None)
