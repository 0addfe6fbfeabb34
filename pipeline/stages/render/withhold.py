"""Decide what is withheld, and from whom, because of its evidence, for each revision when it is rendered. Pure.

hold, site-wide      → the article is withdrawn everywhere until an operator releases it
hold, one channel    → the channel is sent the article's withdrawal, until an operator releases it
a channel's gate     → the channel is sent nothing, and loses what it has, until the evidence passes
notify               → the channel keeps what it has while only the editorial status of the cited papers changes

A hold begins when a cited paper is flagged while the article is out. It lasts through later revisions for as long as
the article cites a flagged paper, and ends then or when an operator releases it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.model.revision import Revision
from pipeline.stages.context import ChannelPlan, Policy
from pipeline.stages.enrich.editorial import FlaggedPaper, newly_flagged, only_marks_differ, papers_with
from pipeline.stages.render.gate import refusal


def site_hold(
    policy: Policy, before: Revision | None, revision: Revision, withheld: Mapping[str, Withheld], *, now: dt.datetime
) -> Withheld | None:
    """Return why the site must not show the revision, or None. `before` is the revision that it shows."""
    begins = policy.evidence == "hold"
    return _hold(policy, EVERYWHERE, before, revision, withheld.get(EVERYWHERE), begins=begins, now=now)


def channel_hold(
    policy: Policy,
    plan: ChannelPlan,
    before: Revision | None,
    revision: Revision,
    withheld: Mapping[str, Withheld],
    *,
    now: dt.datetime,
) -> Withheld | None:
    """Return why the channel must not have the revision, or None."""
    begins = (plan.evidence or policy.evidence) == "hold"
    hold = _hold(policy, plan.id, before, revision, withheld.get(plan.id), begins=begins, now=now)
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


def keeps_what_it_has(policy: Policy, plan: ChannelPlan, delivered: Revision | None, revision: Revision) -> bool:
    """Return whether `notify` spares the channel the revision. `delivered` is what the channel has."""
    if delivered is None or (plan.evidence or policy.evidence) != "notify":
        return False
    return delivered.article == revision.article and only_marks_differ(delivered.references, revision.references)


def settled_revision(row: Delivery | None) -> int | None:
    """Return the number of the revision that the channel has, or None while another one is being delivered."""
    if row is None or row.urgency == WITHDRAWAL or row.held != row.wanted:
        return None
    return row.held


def reason(papers: Sequence[FlaggedPaper]) -> str:
    """Return the reason for a hold, as everyone downstream reads it."""
    return f"Held back until the publisher has reviewed it: it cites {', '.join(map(str, papers))}."


def _hold(
    policy: Policy,
    channel: str,
    before: Revision | None,
    revision: Revision,
    withheld: Withheld | None,
    *,
    begins: bool,
    now: dt.datetime,
) -> Withheld | None:
    papers: list[FlaggedPaper] = []
    if withheld is not None and withheld.cause == "hold":
        papers += papers_with(revision.references, policy.hold_on, withheld.references)
    if begins and before is not None:
        papers += newly_flagged(before.references, revision.references, policy.hold_on)
    if not papers:
        return None
    papers = list({paper.id: paper for paper in papers}.values())
    return Withheld(
        channel=channel,
        cause="hold",
        reason=reason(papers),
        references=tuple(paper.id for paper in papers),
        revision=revision.number,
        since=now,
    )
