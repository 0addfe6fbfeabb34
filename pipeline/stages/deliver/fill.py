"""Send a new channel what was published before it was configured, subject to its filter and gate."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction, articles, deliveries
from pipeline.ledger.articles import accepted, renditions, revisions
from pipeline.ledger.deliveries import NewTarget
from pipeline.model.revision import Revision
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.render import withhold
from pipeline.stages.render.fan_out import keep_back
from pipeline.stages.render.wanted import keep, on_demand, rendered_in

_PAGE = 100  # articles in a transaction


def fill(context: Context, plan: ChannelPlan, *, since: dt.datetime | None = None, act: Act) -> int:
    """Schedule every live article that the channel wants and has no delivery of; return how many.

    With `since`, only articles that changed from then on. Each page of them is recorded with what was scheduled.
    """
    scheduled, after = 0, ""
    while True:
        _render_ahead(context, plan, after, since)
        with context.ledger.write() as transaction:
            page = articles.live_after(transaction, after, since=since, limit=_PAGE)
            had = deliveries.articles_of(transaction, plan.id, [one for one, _ in page])
            new = sum(_schedule(context, transaction, plan, *one) for one in page if one[0] not in had)
            scheduled += new
            if new or not after:
                acts.record(transaction, act, "fill", "filled", channel=plan.id, reason=f"{new} articles")
        if len(page) < _PAGE:
            break
        after = page[-1][0]
    context.doorbell.ring("deliver", plan.id)
    return scheduled


def _render_ahead(context: Context, plan: ChannelPlan, after: str, since: dt.datetime | None) -> None:
    """Render what the next page needs and nobody has wanted before, so that no other writer waits for that."""
    with context.ledger.read() as transaction:
        page = articles.live_after(transaction, after, since=since, limit=_PAGE)
        made = renditions.digests(transaction, page)
        lacking = [one for one in page if plan.format not in made.get(one[0], {})]
        wanted = [one for one in lacking if plan.wants(articles.topics_of(transaction, one[0]))]
    for article_id, number in wanted:
        with context.ledger.read() as transaction:
            revision = revisions.get(transaction, article_id, number)
        on_demand(context, revision, plan.format)


def _schedule(context: Context, transaction: Transaction, plan: ChannelPlan, article_id: str, number: int) -> bool:
    if not plan.wants(articles.topics_of(transaction, article_id)):
        return False
    now = context.clock()
    revision = revisions.get(transaction, article_id, number)
    why = withhold.channel_hold(context.policy, plan, revision, accepted.of_article(transaction, article_id), now=now)
    if why is not None:
        keep_back(transaction, article_id, why)
        return False
    schedule(context, transaction, plan, revision, now=now)
    return True


def schedule(
    context: Context, transaction: Transaction, plan: ChannelPlan, revision: Revision, *, now: dt.datetime
) -> None:
    """Schedule a revision that the channel lacks. It gives way to other deliveries."""
    target = NewTarget(
        id=context.new_id("dlv_"),
        article=revision.article.id,
        channel=plan.id,
        format=plan.format,
        revision=revision.number,
        digest=digest_in(context, transaction, revision, plan.format),
        may_wait=True,
    )
    deliveries.schedule(transaction, target, now=now)


def digest_in(context: Context, transaction: Transaction, revision: Revision, name: str) -> str:
    """Return the digest of the rendition, which is made now if nobody has wanted it before."""
    stored = renditions.one(transaction, revision.article.id, revision.number, name)
    if stored is not None:
        return stored.digest
    (rendition,) = rendered_in(context, revision, [name])
    keep(context, transaction, revision, [rendition])
    return rendition.digest
