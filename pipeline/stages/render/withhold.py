"""Decide what is withheld, and from whom, because of its evidence, for each revision when it is rendered. Pure.

hold, site-wide      → the article is withdrawn everywhere until an operator releases it
overdue review       → the same, if the policy for it is "hold"
hold, one channel    → the channel is sent the article's withdrawal, until an operator releases it
a channel's gate     → the channel is sent nothing, and loses what it has, until the evidence passes
notify               → the channel keeps what it has while only the editorial status of the cited papers changes

An article is on hold as long as it cites a flagged paper, no matter when that was learnt, unless its author means to
cite it (`cites_retracted`) or an operator has released the article. So the same article and the same paper end the
same, whether PubMed was prompt or late, and whether the article is new, edited or old.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.ledger.articles.accepted import OVERDUE, REVIEW, Accepted
from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.model.revision import Revision
from pipeline.stages.context import ChannelPlan, Policy
from pipeline.stages.enrich.editorial import FlaggedPaper, only_marks_differ, papers_with
from pipeline.stages.render.gate import refusal


def site_hold(policy: Policy, revision: Revision, accepted: Sequence[Accepted], *, now: dt.datetime) -> Withheld | None:
    """Return why the site must not show the revision, or None."""
    hold = _hold(policy, EVERYWHERE, revision, accepted, now=now) if policy.evidence == "hold" else None
    return hold or (_review(revision, accepted, now=now) if policy.overdue_review == "hold" else None)


def is_overdue(revision: Revision, now: dt.datetime) -> bool:
    """Return whether the day of the next review has passed."""
    day = revision.article.next_review
    return day is not None and day < now.date()


def _review(revision: Revision, accepted: Sequence[Accepted], *, now: dt.datetime) -> Withheld | None:
    day = revision.article.next_review
    if day is None or not is_overdue(revision, now) or is_released(accepted, day):
        return None
    return Withheld(
        channel=EVERYWHERE,
        cause="hold",
        reason=f"Held back until the publisher has reviewed it: its review was due on {day}.",
        references=(f"{REVIEW}{day}",),
        revision=revision.number,
        since=now,
    )


def is_released(accepted: Sequence[Accepted], day: dt.date) -> bool:
    """Return whether an operator has released the article although its review was due on this day."""
    return any(one.covers(EVERYWHERE, f"{REVIEW}{day}", OVERDUE) for one in accepted)


def channel_hold(
    policy: Policy, plan: ChannelPlan, revision: Revision, accepted: Sequence[Accepted], *, now: dt.datetime
) -> Withheld | None:
    """Return why the channel must not have the revision, or None."""
    holds = (plan.evidence or policy.evidence) == "hold"
    hold = _hold(policy, plan.id, revision, accepted, now=now) if holds else None
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
    """Return the number of the revision that the channel has, or None while another one is being delivered.

    None as well if it is not known any more, after a restore, which bytes it has.
    """
    if (
        row is None
        or row.urgency == WITHDRAWAL
        or row.delivered_revision != row.target_revision
        or not row.delivered_digest
    ):
        return None
    return row.delivered_revision


def reason(papers: Sequence[FlaggedPaper]) -> str:
    """Return the reason for a hold, as everyone downstream reads it."""
    return f"Held back until the publisher has reviewed it: it cites {', '.join(map(str, papers))}."


def _hold(
    policy: Policy, channel: str, revision: Revision, accepted: Sequence[Accepted], *, now: dt.datetime
) -> Withheld | None:
    meant = {f"pmid:{pmid}" for pmid in revision.article.cites_retracted}
    papers = [
        paper
        for paper in papers_with(revision.references, policy.hold_on)
        if paper.id not in meant and not _is_accepted(paper, channel, accepted)
    ]
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


def _is_accepted(paper: FlaggedPaper, channel: str, accepted: Sequence[Accepted]) -> bool:
    return all(any(one.covers(channel, paper.id, state) for one in accepted) for state in paper.states)
