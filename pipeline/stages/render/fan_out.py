"""Store what was decided when an article was rendered. The only writer of revisions' renditions and deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import structlog
from msgspec import structs

from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import Transaction, articles, deliveries, evidence, feeds
from pipeline.ledger.articles import ArticleState, accepted, names, renditions, revisions, withheld
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.evidence import identifiers, mismatches
from pipeline.model.policy import ANYTHING
from pipeline.model.rendition import Rendition
from pipeline.model.revision import Revision
from pipeline.stages.accept import withdrawing
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.render import withhold
from pipeline.stages.render.decide import ChannelState, Decision, Facts
from pipeline.stages.render.fingerprint import combined, fingerprints

_log = structlog.get_logger()


def read(context: Context, transaction: Transaction, state: ArticleState, now: dt.datetime) -> Facts:
    """Return what is known of an article that is not withdrawn."""
    newest, embargoed = revisions.get(transaction, state.id, state.revision), None
    rendered, stored = None, {}
    if state.rendered is not None:
        out = state.rendered
        rendered = newest if out == newest.number else revisions.get(transaction, state.id, out)
        stored = {one.format: one for one in renditions.of_revision(transaction, state.id, out)}
    not_before = newest.article.not_before
    if rendered is not None and rendered is not newest and not_before is not None and not_before > now:
        newest, embargoed = rendered, newest
    return Facts(
        state=state,
        newest=newest,
        embargoed=embargoed,
        rendered=rendered,
        last_update=revisions.last_update(transaction, state.id),
        stored=stored,
        references=evidence.references_of(transaction, newest.article),
        withheld=withheld.of_article(transaction, state.id),
        accepted=accepted.of_article(transaction, state.id),
        channels=read_channels(transaction, state.id, rendered),
        overdue=context.policy.overdue_review == "mark" and withhold.is_overdue(newest, now),
        outdated=state.rendered is not None and state.fingerprint != current_fingerprint(context),
    )


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


def read_channels(transaction: Transaction, article_id: str, rendered: Revision | None) -> dict[str, ChannelState]:
    """Return the state of each channel that the article was ever scheduled for."""
    known = {} if rendered is None else {rendered.number: rendered}
    found = {}
    for row in deliveries.of_article(transaction, article_id):
        number = withhold.settled_revision(row)
        if number is not None and number not in known:
            known[number] = revisions.get(transaction, article_id, number)
        found[row.channel] = ChannelState(row.format, None if number is None else known[number])
    return found


def apply(
    context: Context,
    transaction: Transaction,
    facts: Facts,
    decision: Decision,
    rendered: Sequence[Rendition],
    *,
    now: dt.datetime,
) -> list[str]:
    """Store the decision; `facts.state` is locked. Return the channels that now have something to deliver."""
    state, revision = facts.state, decision.revision
    if decision.site_hold is not None:
        withheld.lift(transaction, state.id)
        withheld.put(transaction, state.id, decision.site_hold)
        reason = decision.site_hold.reason
        due = withdrawing.take_back(transaction, state, event_id=None, reason=reason, now=now)
        evidence.cite(transaction, state.id, revision.article.identified, now=now)  # watched until the hold is over
        return due
    mismatches.put(transaction, state.id, facts.references, now=now)
    identifiers.cite_found(transaction, state.id, revision.article.identified)
    answered_meanwhile = evidence.references_of(transaction, revision.article) != facts.references
    waits = facts.embargoed.article.not_before if facts.embargoed else None
    done = articles.changed(state, state="live", due=now if answered_meanwhile else waits, error=None)
    if not decision.render:
        _confirm(context, transaction, facts, done, rendered)
        return []
    if facts.rendered is not None and facts.rendered.article.identified != revision.article.identified:
        # If this revision was scheduled, the citations of the previous one were watched until now.
        evidence.cite(transaction, state.id, revision.article.identified, now=now)
    live = facts.rendered.number if facts.embargoed and facts.rendered else None
    done = _keep_revision(context, transaction, done, decision, rendered, content_of=live, now=now)
    if facts.embargoed is not None:
        _let_follow(transaction, done, facts.embargoed, now=now)
    if revision.article.address is not None:
        names.show(transaction, revision.article.address)
    topics = frozenset(topic.slug for topic in revision.article.topics)
    articles.set_topics(transaction, state.id, topics)
    if not decision.refreshed:  # feeds are built again by themselves when the way they are written changes
        feeds.changed(transaction, state.id, among=_feeds_of(context, topics, revision), now=now)
    if decision.released:
        withheld.lift(transaction, state.id, decision.released)
    return schedule_deliveries(context, transaction, decision, {one.format: one.digest for one in rendered}, now=now)


def schedule_deliveries(
    context: Context, transaction: Transaction, decision: Decision, digests: Mapping[str, str], *, now: dt.datetime
) -> list[str]:
    """Schedule the revision, or a withdrawal, for each channel concerned. Return the channels with something to do."""
    revision, article_id = decision.revision, decision.revision.article.id
    due = list(decision.scheduled)
    for why in decision.withheld:
        keep_back(transaction, article_id, why)
        if deliveries.withhold(transaction, article_id, why.channel, revision=revision.number, now=now):
            due.append(why.channel)
    for channel in decision.scheduled:
        format = context.channels[channel].format
        deliveries.schedule(
            transaction,
            id=context.new_id("dlv_"),
            article_id=article_id,
            channel=channel,
            format=format,
            revision=revision.number,
            digest=digests[format],
            now=now,
            cause="refreshed" if decision.refreshed else None,
        )
    return [channel for channel in context.channels if channel in due]


def keep_back(transaction: Transaction, article_id: str, why: Withheld) -> None:
    """Record and log that an article is withheld."""
    withheld.put(transaction, article_id, why)
    log_withheld(article_id, why)


def log_withheld(article_id: str, why: Withheld) -> None:
    channel = why.channel or None
    _log.warning("withheld", article=article_id, channel=channel, cause=why.cause, reason=why.reason)


def _confirm(
    context: Context, transaction: Transaction, facts: Facts, done: ArticleState, added: Sequence[Rendition]
) -> None:
    """Record that the published revision looks as it would if it were rendered now, and its renditions in new formats.

    One whose evidence is not shown anywhere is not rendered again, and so keeps its fingerprints.
    """
    if facts.rendered is not None and facts.outdated:
        current = fingerprints(context.formats, context.site)
        renditions.confirm(transaction, done.id, facts.rendered.number, current)
        renditions.add(transaction, done.id, facts.rendered.number, added, current)
        done = articles.changed(
            done, fingerprint=_fingerprint(context, current), next_review=facts.rendered.article.next_review
        )
    articles.save(transaction, done)


def _keep_revision(
    context: Context,
    transaction: Transaction,
    state: ArticleState,
    decision: Decision,
    rendered: Sequence[Rendition],
    *,
    content_of: int | None,
    now: dt.datetime,
) -> ArticleState:
    """Store the revision as the published one. `content_of`: the revision whose content it has, if not the newest."""
    revision, current = decision.revision, fingerprints(context.formats, context.site)
    if revision.number != state.revision:
        revisions.add(
            transaction,
            state.id,
            revision.number,
            event="updated",
            event_id=None,
            now=now,
            updated=revision.updated,
            content=revisions.content_of(transaction, state.id, content_of or state.revision),
            cause="refreshed" if decision.refreshed else None,
        )
    shown, updated = revision.references, revision.updated
    revisions.keep_shown(
        transaction, state.id, revision.number, shown, updated=updated, overdue=revision.overdue, now=now
    )
    renditions.add(transaction, state.id, revision.number, rendered, current)
    published = articles.changed(
        state,
        revision=revision.number,
        rendered=revision.number,
        title=revision.article.title,
        language=revision.article.language,
        updated=revision.updated,
        next_review=revision.article.next_review,
        fingerprint=_fingerprint(context, current),
    )
    articles.save(transaction, published)
    return published


def _let_follow(transaction: Transaction, state: ArticleState, waiting: Revision, *, now: dt.datetime) -> None:
    """Give an update under an embargo the number after the live revision that has just overtaken it."""
    number = state.revision + 1
    revisions.repeat(transaction, state.id, waiting.number, number, now=now)
    articles.save(transaction, articles.changed(state, revision=number))


def _feeds_of(context: Context, topics: frozenset[str], revision: Revision) -> list[str]:
    """Return the feeds that the article belongs to, and the sitemap."""
    language = revision.article.language
    return [SITEMAP, *(feed.id for feed in context.feeds.values() if feed.holds(topics, language))]
