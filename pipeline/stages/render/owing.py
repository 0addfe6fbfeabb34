"""Who is owed a rendered revision: channels whose filter it passes, and those that hold an earlier one.

Not those from which its evidence keeps it (see holding); nor those to which it says nothing new.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import structlog
from msgspec import Struct

from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.articles import revisions, withheld
from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.ledger.deliveries import Delivery
from pipeline.model.revision import Revision
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.render import holding

_log = structlog.get_logger()


class Going(Struct, frozen=True):
    """A revision on its way out."""

    revision: Revision
    before: Revision | None  # the one that is out
    kept: Mapping[str, Withheld]  # by channel: from whom the article was kept until now
    slugs: frozenset[str]
    digests: Mapping[str, str]  # by format
    spared: frozenset[str]  # formats in which it says nothing that `before` did not


def owe(context: Context, transaction: Transaction, going: Going, *, now: dt.datetime) -> list[str]:
    """The channels that are owed something now, be it a withdrawal."""
    article_id = going.revision.article.id
    had = {row.channel: row for row in deliveries.of_article(transaction, article_id)}
    concerned = [plan for plan in context.channels.values() if plan.wants(going.slugs) or plan.id in had]
    over = _over(going, frozenset(plan.id for plan in concerned))
    if over:
        withheld.lift(transaction, article_id, over)
    return [plan.id for plan in concerned if _owed(context, transaction, plan, going, had.get(plan.id), now)]


def _over(going: Going, concerned: frozenset[str]) -> list[str]:
    """What it was kept from and is no more: everyone; channels that would not get it even if their gate let it in."""
    return [
        channel
        for channel, why in going.kept.items()
        if channel == EVERYWHERE or (why.cause == "gate" and channel not in concerned)
    ]


def tell(article_id: str, why: Withheld) -> None:
    channel = why.channel or None
    _log.warning("withheld", article=article_id, channel=channel, cause=why.cause, reason=why.reason)


def _owed(
    context: Context, transaction: Transaction, plan: ChannelPlan, going: Going, row: Delivery | None, now: dt.datetime
) -> bool:
    revision, article_id = going.revision, going.revision.article.id
    why = holding.from_channel(context, plan, going.before, revision, going.kept, now=now)
    if why is not None:
        withheld.put(transaction, article_id, why)
        tell(article_id, why)
        return deliveries.withhold(
            transaction, article_id, plan.id, format=plan.format, revision=revision.number, now=now
        )
    if plan.id in going.kept:
        withheld.lift(transaction, article_id, [plan.id])
    if _goes_without(context, transaction, plan, going, row):
        return False
    deliveries.owe(
        transaction,
        id=context.new_id("dlv_"),
        article_id=article_id,
        channel=plan.id,
        format=plan.format,
        revision=revision.number,
        digest=going.digests[plan.format],
        now=now,
    )
    return True


def _goes_without(
    context: Context, transaction: Transaction, plan: ChannelPlan, going: Going, row: Delivery | None
) -> bool:
    """Whether the channel has what it needs of the revision without being sent it."""
    number = holding.rests_on(row)
    if row is None or number is None:
        return False
    held = going.before
    if held is not None and held.number == number and plan.format in going.spared and row.format == plan.format:
        return True
    if held is None or held.number != number:
        held = revisions.get(transaction, going.revision.article.id, number)
    return holding.keeps_what_it_has(context, plan, held, going.revision)
