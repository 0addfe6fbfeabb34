"""Decide what to do with an article when it is rendered: one `Decision`, a pure function of the facts. See `fan_out`.

it must not be shown yet                  → postponed until then
the site must not show it                 → withdrawn everywhere
a reader of some format sees a difference → a revision, rendered as is wanted
    a channel must not have it            → withheld there: what it has is withdrawn
    a channel wants it and lacks it       → scheduled for delivery
no reader sees a difference               → nothing, unless a channel must not have it now, or may have it
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from msgspec import Struct, structs

from pipeline.ledger.articles import ArticleState
from pipeline.ledger.articles.accepted import Accepted
from pipeline.ledger.articles.renditions import Stored
from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision, next_update
from pipeline.stages.context import ChannelPlan, Policy
from pipeline.stages.enrich.editorial import marks
from pipeline.stages.render import withhold


class ChannelState(Struct, frozen=True):
    """A channel that the article was ever scheduled for."""

    format: str  # of that delivery
    delivered: Revision | None  # what it has; None while something else is being delivered
    sending: bool = False  # a worker is sending to it


class Facts(Struct, frozen=True):
    """What the ledger knows of an article."""

    state: ArticleState
    newest: Revision
    rendered: Revision | None  # the published revision
    last_update: dt.datetime | None  # of the last published revision or withdrawal
    stored: Mapping[str, Stored]  # its renditions, by format
    references: tuple[CitedReference, ...]  # as they are known now
    withheld: Mapping[str, Withheld]  # by channel
    channels: Mapping[str, ChannelState]
    accepted: tuple[Accepted, ...] = ()  # what an operator released it with
    embargoed: Revision | None = None  # the newest one, while it waits: `newest` is then the live one
    overdue: bool = False  # readers should be told that its review is overdue
    outdated: bool = False  # its renditions were made in another way than now: by another release, with other settings


class Comparison(Struct, frozen=True):
    """What readers would see of the candidate, compared with the published revision."""

    unchanged: frozenset[str] = frozenset()  # formats in which only number and date differ
    complete: bool = False  # no format differs, whether the published revision was rendered in it or not
    refreshed: bool = False  # what differs comes from the way it is rendered, not from its text or references


DIFFERENT = Comparison()


class Decision(Struct, frozen=True):
    """At most one of `postponed`, `site_hold` and `render` is set; the rest is empty unless `render` is."""

    revision: Revision
    postponed: dt.datetime | None = None  # until it may be shown
    site_hold: Withheld | None = None  # why it is withdrawn everywhere
    render: bool = False
    refreshed: bool = False  # the revision differs only in the way it is rendered
    withheld: tuple[Withheld, ...] = ()  # from single channels
    released: tuple[str, ...] = ()  # channels from which it is no longer withheld
    scheduled: tuple[str, ...] = ()  # channels that are sent the revision


def candidate(facts: Facts, now: dt.datetime, *, refreshed: bool = False) -> Revision:
    """Return the revision that should be published now. It has the number of the rendered one if nothing is new.

    A revision is rendered with the references known at that moment, and in the way of that moment. If either changes
    later, it gets a new number. If only the latter did, it is `refreshed` and keeps its date, so that no reader of a
    feed is shown an old article as new. While an update waits for its embargo, the live content may take the next
    number; the update then follows under the number after it.
    """
    newest, known = facts.newest, facts.references
    updated = newest.updated if refreshed else next_update(facts.last_update, now)
    if facts.state.rendered != facts.state.revision and facts.embargoed is None:
        return structs.replace(newest, references=known, updated=updated, overdue=facts.overdue)
    if known == newest.references and facts.overdue == newest.overdue and not facts.outdated:
        return newest
    number = facts.state.revision + 1
    return structs.replace(newest, references=known, number=number, updated=updated, overdue=facts.overdue)


def only_evidence_is_new(facts: Facts, revision: Revision) -> bool:
    """Return whether readers may see no difference: the article and the status of its papers are unchanged."""
    before = facts.rendered
    if before is None or before.number == revision.number:
        return False
    if (before.article, before.overdue) != (revision.article, revision.overdue):
        return False
    return marks(before.references) == marks(revision.references)


def decide(
    policy: Policy,
    channels: Collection[ChannelPlan],
    facts: Facts,
    *,
    compared: Comparison,
    now: dt.datetime,
) -> Decision:
    """Decide, from what is known of the article and what readers would see of it."""
    revision = candidate(facts, now, refreshed=compared.refreshed)
    not_before = revision.article.not_before
    if not_before is not None and not_before > now:
        return Decision(revision, postponed=not_before)
    hold = withhold.site_hold(policy, revision, facts.accepted, now=now)
    if hold is not None:
        return Decision(revision, site_hold=hold)
    if revision.number == facts.state.rendered:
        return Decision(revision)
    decision = _fan_out(policy, channels, facts, revision, compared, now)
    if revision.number != facts.state.revision and compared.complete and not _judges_otherwise(facts, decision):
        return Decision(revision)
    return decision


def _judges_otherwise(facts: Facts, decision: Decision) -> bool:
    """Return whether a channel must not have what it has, or may have what was withheld from it."""
    return bool(decision.released) or any(
        before is None or (before.cause, before.reason) != (why.cause, why.reason)
        for why in decision.withheld
        for before in [facts.withheld.get(why.channel)]
    )


def _fan_out(
    policy: Policy,
    channels: Collection[ChannelPlan],
    facts: Facts,
    revision: Revision,
    compared: Comparison,
    now: dt.datetime,
) -> Decision:
    topics = frozenset(topic.slug for topic in revision.article.topics)
    concerned = [plan for plan in channels if _concerns(plan, topics, facts, compared)]
    found = {plan.id: withhold.channel_hold(policy, plan, revision, facts.accepted, now=now) for plan in concerned}
    free = [plan for plan in concerned if found[plan.id] is None]
    return Decision(
        revision,
        render=True,
        refreshed=compared.refreshed,
        withheld=tuple(why for why in found.values() if why is not None),
        released=tuple(channel for channel, why in facts.withheld.items() if _ends(channel, why, found)),
        scheduled=tuple(plan.id for plan in free if not _already_has(policy, plan, facts, revision, compared)),
    )


def _concerns(plan: ChannelPlan, topics: frozenset[str], facts: Facts, compared: Comparison) -> bool:
    """Return whether the channel wants the article or may have it. A place that is being emptied gets nothing new.

    A channel that lacks the article is not given it because of its rendering: that is for the fill of its place.
    """
    if plan.retired or plan.id in facts.channels:
        return not plan.retired
    return plan.id in facts.withheld if compared.refreshed else plan.wants(topics)


def _ends(channel: str, why: Withheld, found: Mapping[str, Withheld | None]) -> bool:
    """Return whether the article is no longer withheld. A hold persists even if its channel is no longer configured."""
    if channel == EVERYWHERE:
        return True
    return found[channel] is None if channel in found else why.cause == "gate"


def _already_has(policy: Policy, plan: ChannelPlan, facts: Facts, revision: Revision, compared: Comparison) -> bool:
    """Return whether the channel has what it needs of the revision without being sent it."""
    has = facts.channels.get(plan.id)
    if has is None or has.delivered is None:
        return False
    if compared.refreshed and not plan.replaces and has.delivered.article == revision.article:
        return True
    as_rendered = facts.rendered is not None and has.delivered.number == facts.rendered.number
    if plan.format in compared.unchanged and as_rendered and has.format == plan.format:
        return True
    return withhold.keeps_what_it_has(policy, plan, has.delivered, revision)
