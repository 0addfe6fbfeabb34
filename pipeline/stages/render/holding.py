"""What is kept from whom for the sake of its evidence: decided for each revision, when it is rendered.

hold, of the site    → the article is taken back everywhere, as any withdrawal is, until an operator releases it
hold, of a channel   → the channel gets the article's withdrawal, until an operator releases it
the channel's gate   → the channel gets none of it, nor keeps what it has, until its evidence passes
notify               → the channel keeps what it holds, as long as nothing but the standing of what it cites changes

A hold is raised by papers that turn bad while an article is out. It lasts, through later revisions too, as long as the
article cites them so; then, and when it is released, it is over. Without I/O of its own: the ledger's rows come in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.model.revision import Revision
from pipeline.stages.context import ChannelPlan, Context, Policy
from pipeline.stages.enrich.editorial import Fault, bearing, gained, only_marks_differ
from pipeline.stages.render.gate import refusal


def from_everyone(
    context: Context, before: Revision | None, revision: Revision, kept: Mapping[str, Withheld], *, now: dt.datetime
) -> Withheld | None:
    """Why the site must not show the revision, or None. `before`: what it shows."""
    raises = context.policy.evidence == "hold"
    return _hold(context.policy, EVERYWHERE, before, revision, kept.get(EVERYWHERE), raises=raises, now=now)


def from_channel(
    context: Context,
    plan: ChannelPlan,
    before: Revision | None,
    revision: Revision,
    kept: Mapping[str, Withheld],
    *,
    now: dt.datetime,
) -> Withheld | None:
    """Why the channel must not have the revision, or None."""
    raises = (plan.evidence or context.policy.evidence) == "hold"
    hold = _hold(context.policy, plan.id, before, revision, kept.get(plan.id), raises=raises, now=now)
    if hold is not None:
        return hold
    refused = refusal(plan.gate, revision.references, on=now.date())
    if refused is None:
        return None
    return Withheld(
        channel=plan.id,
        cause="gate",
        reason=f"Not for this channel: {refused.reason}.",
        references=refused.references,
        revision=revision.number,
        since=now,
    )


def keeps_what_it_has(context: Context, plan: ChannelPlan, held: Revision | None, revision: Revision) -> bool:
    """Whether `notify` spares the channel the revision. `held`: what it holds, if nothing newer is under way."""
    if held is None or (plan.evidence or context.policy.evidence) != "notify":
        return False
    return held.article == revision.article and only_marks_differ(held.references, revision.references)


def rests_on(row: Delivery | None) -> int | None:
    """The revision that the channel holds, where nothing newer is under way to it."""
    if row is None or row.urgency == WITHDRAWAL or row.held != row.wanted:
        return None
    return row.held


def _hold(
    policy: Policy,
    channel: str,
    before: Revision | None,
    revision: Revision,
    kept: Withheld | None,
    *,
    raises: bool,
    now: dt.datetime,
) -> Withheld | None:
    faults: list[Fault] = []
    if kept is not None and kept.cause == "hold":
        faults += bearing(revision.references, policy.hold_on, [one.removeprefix("pmid:") for one in kept.references])
    if raises and before is not None:
        faults += gained(before.references, revision.references, policy.hold_on)
    if not faults:
        return None
    faults = list({fault.pmid: fault for fault in faults}.values())
    return Withheld(
        channel=channel,
        cause="hold",
        reason=reason(faults),
        references=tuple(f"pmid:{fault.pmid}" for fault in faults),
        revision=revision.number,
        since=now,
    )


def reason(faults: Sequence[Fault]) -> str:
    """For everyone downstream to read."""
    return f"Held back until the publisher has reviewed it: it cites {', '.join(map(str, faults))}."
