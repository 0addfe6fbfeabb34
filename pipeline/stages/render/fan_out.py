"""Store what was decided when articles were rendered. The only writer of revisions' renditions and deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import structlog
from msgspec import Struct, structs

from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import Transaction, articles, deliveries, evidence, feeds
from pipeline.ledger.articles import ArticleState, names, renditions, revisions, withheld
from pipeline.ledger.articles.revisions import Following
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.deliveries import NewTarget
from pipeline.ledger.evidence import identifiers, mismatches
from pipeline.model.policy import ANYTHING
from pipeline.model.rendition import Rendition
from pipeline.model.revision import Cause, Revision
from pipeline.stages.accept import withdrawing
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.render.decide import Decision, Facts
from pipeline.stages.render.fingerprint import combined, fingerprints

_log = structlog.get_logger()


def current_fingerprint(context: Context) -> str:
    """Return the fingerprint of an article that is rendered now."""
    return _fingerprint(context, fingerprints(context.formats, context.site))


def _fingerprint(context: Context, renditions: Mapping[str, str]) -> str:
    """Return the fingerprint of an article with these of its renditions, by which it is seen that it is outdated.

    What its evidence is asked for counts, too: other rules, or with a gate on age another year, may decide otherwise.
    """
    plans = [plan for plan in context.channels.values() if not plan.retired]
    asked = sorted((plan.id, plan.evidence, structs.astuple(plan.gate)) for plan in plans if _asks(plan))
    year = context.clock().year if any(plan.gate.newest_within_years is not None for plan in plans) else None
    policy = context.policy
    return combined(renditions, (policy.evidence, policy.hold_on, policy.overdue_review, asked, year))


def _asks(plan: ChannelPlan) -> bool:
    return plan.evidence is not None or plan.gate != ANYTHING


class Decided(Struct, frozen=True):
    """A decision about an article, with the renditions that it calls for."""

    facts: Facts  # their `state` is locked
    decision: Decision
    rendered: Sequence[Rendition]

    @property
    def id(self) -> str:
        return self.facts.state.id


class Due(Struct, frozen=True):
    """The channels that now have something to deliver, and those of them that have to take something back."""

    channels: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()


def apply(context: Context, transaction: Transaction, decided: Sequence[Decided], *, now: dt.datetime) -> Due:
    """Store the decisions about a batch of articles."""
    urgent: dict[str, None] = {}
    for one in decided:
        if one.decision.site_hold is not None:
            urgent |= dict.fromkeys(_hold(transaction, one, one.decision.site_hold, now))
    others = [one for one in decided if one.decision.site_hold is None]
    return Due(tuple(_show(context, transaction, others, now) if others else ()), tuple(urgent))


def _hold(transaction: Transaction, one: Decided, why: Withheld, now: dt.datetime) -> list[str]:
    """Withdraw an article everywhere; return the channels to tell."""
    withheld.lift(transaction, one.id)
    withheld.put(transaction, one.id, why)
    due = withdrawing.take_back(transaction, one.facts.state, event_id=None, reason=why.reason, now=now)
    identified = one.decision.revision.article.identified
    evidence.cite(transaction, one.id, identified, now=now)  # watched until the hold is over
    return due


def _show(context: Context, transaction: Transaction, decided: Sequence[Decided], now: dt.datetime) -> list[str]:
    """Store what is shown; return the channels that it is scheduled for."""
    mismatches.put(transaction, {one.id: one.facts.references for one in decided}, now=now)
    identifiers.cite_found(transaction, {one.id: one.decision.revision.article.identified for one in decided})
    states = _done(transaction, decided, now)
    current = fingerprints(context.formats, context.site)
    rendered = [one for one in decided if one.decision.render]
    for one in decided:
        if not one.decision.render:
            states[one.id] = _confirm(context, transaction, one, states[one.id], current)
    for one in rendered:
        before, article = one.facts.rendered, one.decision.revision.article
        if before is not None and before.article.identified != article.identified:
            # If this revision was scheduled, the citations of the previous one were watched until now.
            evidence.cite(transaction, one.id, article.identified, now=now)
    states |= _keep_revisions(context, transaction, rendered, states, current, now)
    articles.save_all(transaction, [states[one.id] for one in decided])
    if not rendered:
        return []
    for one in rendered:
        if one.facts.embargoed is not None:
            _let_follow(transaction, states[one.id], one.facts.embargoed, now=now)
    _list(context, transaction, rendered, now)
    for one in rendered:
        if one.decision.released:
            withheld.lift(transaction, one.id, one.decision.released)
    return _schedule(context, transaction, rendered, now)


def _done(transaction: Transaction, decided: Sequence[Decided], now: dt.datetime) -> dict[str, ArticleState]:
    """Return the states after rendering: due again only for an embargo, or for answers that came meanwhile."""
    known = evidence.references_of_all(transaction, [one.decision.revision.article for one in decided])
    states = {}
    for one, references in zip(decided, known, strict=True):
        waits = one.facts.embargoed.article.not_before if one.facts.embargoed else None
        due = now if references != one.facts.references else waits
        states[one.id] = articles.changed(one.facts.state, state="live", due=due, error=None)
    return states


def _list(context: Context, transaction: Transaction, rendered: Sequence[Decided], now: dt.datetime) -> None:
    """Store where the articles are found: under their names, by topic, and in feeds."""
    shown = {one.id: one.decision.revision.article for one in rendered}
    names.show(transaction, {article.address for article in shown.values() if article.address is not None})
    topics = {id: frozenset(topic.slug for topic in article.topics) for id, article in shown.items()}
    articles.set_topics(transaction, topics)
    # Feeds are built again by themselves when the way they are written changes.
    news = [one.id for one in rendered if not one.decision.refreshed]
    feeds.changed(transaction, {id: _feeds_of(context, topics[id], shown[id].language) for id in news}, now=now)


def _schedule(context: Context, transaction: Transaction, rendered: Sequence[Decided], now: dt.datetime) -> list[str]:
    """Schedule revisions, or withdrawals, for each channel concerned. Return the channels with something to do."""
    due: set[str] = set()
    targets: list[NewTarget] = []
    for one in rendered:
        due.update(one.decision.scheduled)
        targets += _targets(context, one)
        for why in one.decision.withheld:
            keep_back(transaction, one.id, why)
            if deliveries.withhold(transaction, one.id, why.channel, revision=one.decision.revision.number, now=now):
                due.add(why.channel)
    deliveries.schedule_all(transaction, targets, now=now)
    return [channel for channel in context.channels if channel in due]


def _targets(context: Context, one: Decided) -> Iterator[NewTarget]:
    digests = {rendition.format: rendition.digest for rendition in one.rendered}
    for channel in one.decision.scheduled:
        format = context.channels[channel].format
        yield NewTarget(
            id=context.new_id("dlv_"),
            article=one.id,
            channel=channel,
            format=format,
            revision=one.decision.revision.number,
            digest=digests[format],
            cause="refreshed" if one.decision.refreshed else None,
        )


def keep_back(transaction: Transaction, article_id: str, why: Withheld) -> None:
    """Record and log that an article is withheld."""
    withheld.put(transaction, article_id, why)
    log_withheld(article_id, why)


def log_withheld(article_id: str, why: Withheld) -> None:
    channel = why.channel or None
    _log.warning("withheld", article=article_id, channel=channel, cause=why.cause, reason=why.reason)


def _confirm(
    context: Context, transaction: Transaction, one: Decided, done: ArticleState, current: Mapping[str, str]
) -> ArticleState:
    """Record that the published revision looks as it would if it were rendered now, and its renditions in new formats.

    One whose evidence is not shown anywhere is not rendered again, and so keeps its fingerprints.
    """
    facts = one.facts
    if facts.rendered is None or not facts.outdated:
        return done
    renditions.confirm(transaction, one.id, facts.rendered.number, current)
    renditions.add(transaction, one.id, facts.rendered.number, one.rendered, current)
    next_review = facts.rendered.article.next_review
    return articles.changed(done, fingerprint=_fingerprint(context, current), next_review=next_review)


def _keep_revisions(
    context: Context,
    transaction: Transaction,
    rendered: Sequence[Decided],
    states: Mapping[str, ArticleState],
    current: Mapping[str, str],
    now: dt.datetime,
) -> dict[str, ArticleState]:
    """Store the revisions as the published ones; return the states of their articles."""
    revisions.add_following(transaction, [one for each in rendered for one in _following(each, states)], now=now)
    shown = {one.id: one.decision.revision for one in rendered}
    revisions.keep_shown(transaction, shown, now=now)
    made = {(one.id, one.decision.revision.number): one.rendered for one in rendered}
    renditions.add_all(transaction, made, current)
    fingerprint = _fingerprint(context, current) if rendered else ""
    return {
        id: articles.changed(
            states[id],
            revision=revision.number,
            rendered=revision.number,
            title=revision.article.title,
            language=revision.article.language,
            updated=revision.updated,
            next_review=revision.article.next_review,
            fingerprint=fingerprint,
        )
        for id, revision in shown.items()
    }


def _following(one: Decided, states: Mapping[str, ArticleState]) -> Iterator[Following]:
    """Return the revision to add, if it is not there already. While an update waits, it has the live content."""
    revision, newest = one.decision.revision, states[one.id].revision
    if revision.number == newest:
        return
    live = one.facts.rendered.number if one.facts.embargoed and one.facts.rendered else newest
    cause: Cause | None = "refreshed" if one.decision.refreshed else None
    yield Following(one.id, revision.number, content_of=live, updated=revision.updated, cause=cause)


def _let_follow(transaction: Transaction, state: ArticleState, waiting: Revision, *, now: dt.datetime) -> None:
    """Give an update under an embargo the number after the live revision that has just overtaken it."""
    number = state.revision + 1
    revisions.repeat(transaction, state.id, waiting.number, number, now=now)
    articles.save(transaction, articles.changed(state, revision=number))


def _feeds_of(context: Context, topics: frozenset[str], language: str) -> list[str]:
    """Return the feeds that an article belongs to, and the sitemap."""
    return [SITEMAP, *(feed.id for feed in context.feeds.values() if feed.holds(topics, language))]
