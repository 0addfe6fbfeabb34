"""Give a place the articles that it lacks, a page at a time: those of the place that its channel left, or all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, structs

from pipeline.ledger import Transaction, articles, deliveries, places
from pipeline.ledger.articles import accepted, renditions, revisions, withheld
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.ledger.places import ALL, Place
from pipeline.model.revision import Revision
from pipeline.stages.context import ChannelPlan, Context, Policy
from pipeline.stages.deliver.fill import digest_in, schedule
from pipeline.stages.render import withhold
from pipeline.stages.render.fan_out import keep_back
from pipeline.stages.render.wanted import on_demand

PAGE = 100  # articles in a transaction


class Lack(Struct, frozen=True, kw_only=True):
    """What a place lacks of an article."""

    kind: Literal["send", "refresh", "withdraw", "withhold"]
    revision: Revision | None = None  # to be sent
    row: Delivery | None = None  # that the place has already
    copied: Delivery | None = None  # the withdrawal of the place that was left
    why: Withheld | None = None


def lack(
    transaction: Transaction,
    policy: Policy,
    plan: ChannelPlan,
    article_id: str,
    source: str,
    *,
    keys: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    now: dt.datetime,
) -> Lack | None:
    """Return what has to be done so that the place has what its channel should have of the article, or None.

    `keys` says under which keys the deliveries of a place are found, if not under its own: before its key changes.
    """
    state = articles.get(transaction, article_id)
    if state is None or state.rendered is None:
        return None
    row = _row(transaction, plan.id, article_id, keys)
    if state.state == "withdrawn":
        is_repeated = row is None and source != ALL and not plan.is_partner
        left = _row(transaction, source, article_id, keys) if is_repeated else None
        return Lack(kind="withdraw", copied=left) if left is not None and left.urgency == WITHDRAWAL else None
    if state.state != "live" or not _may_lack(transaction, plan, state.rendered, article_id, row):
        return None
    revision = revisions.get(transaction, article_id, state.rendered)
    before, kept_back = keys.get(plan.id, (plan.id,)), withheld.of_article(transaction, article_id)
    known = {plan.id if key in before else key for key in kept_back}
    decided = [
        structs.replace(one, channel=plan.id) if one.channel in before else one
        for one in accepted.of_article(transaction, article_id)
    ]
    why = withhold.channel_hold(policy, plan, revision, decided, now=now)
    if why is not None:
        return Lack(kind="withhold", why=why) if row is None and plan.id not in known else None
    return Lack(kind="send" if row is None or row.urgency == WITHDRAWAL else "refresh", revision=revision, row=row)


def _may_lack(
    transaction: Transaction, plan: ChannelPlan, published: int, article_id: str, row: Delivery | None
) -> bool:
    if row is not None and row.urgency != WITHDRAWAL:
        # A place that was being emptied when its channel took it over may have been passed over by an edit.
        return row.format != plan.format or row.target_revision < published
    return plan.wants(articles.topics_of(transaction, article_id))


def _row(transaction: Transaction, key: str, article_id: str, keys: Mapping[str, tuple[str, ...]]) -> Delivery | None:
    found = (deliveries.at_place(transaction, one, article_id) for one in keys.get(key, (key,)))
    return next((row for row in found if row is not None), None)


def page(transaction: Transaction, source: str, after: str) -> list[str]:
    """Return the next articles of a source: of a place, or all live ones."""
    if source == ALL:
        return [one for one, _ in articles.live_after(transaction, after, since=None, limit=PAGE)]
    return places.articles_at(transaction, source, after, PAGE)


def render_ahead(context: Context, place: Place, plan: ChannelPlan) -> None:
    """Render what the next page needs and nobody has wanted before, so that no other writer waits for that."""
    now, source = context.clock(), place.fill[0]
    with context.ledger.read() as transaction:
        ids = page(transaction, source, place.filled_up_to)
        shown = {(id, one.rendered) for id, one in articles.get_all(transaction, ids).items() if one.rendered}
        made = renditions.digests(transaction, shown)
    for article_id in (id for id in ids if plan.format not in made.get(id, {})):
        with context.ledger.read() as transaction:
            found = lack(transaction, context.policy, plan, article_id, source, now=now)
        if found is not None and found.revision is not None:
            on_demand(context, found.revision, plan.format)


def fill_page(context: Context, transaction: Transaction, place: Place, plan: ChannelPlan) -> int:
    """Schedule what the place lacks of the next page of its first source; return how many deliveries."""
    now, source = context.clock(), place.fill[0]
    ids = page(transaction, source, place.filled_up_to)
    scheduled = 0
    for article_id in ids:
        found = lack(transaction, context.policy, plan, article_id, source, now=now)
        if found is not None:
            scheduled += _make_up(context, transaction, plan, article_id, found, now)
    done = len(ids) < PAGE
    rest = place.fill[1:] if done else place.fill
    places.save(transaction, structs.replace(place, fill=rest, filled_up_to="" if done else ids[-1]))
    return scheduled


def _make_up(
    context: Context, transaction: Transaction, plan: ChannelPlan, article_id: str, found: Lack, now: dt.datetime
) -> int:
    if found.why is not None:
        keep_back(transaction, article_id, found.why)
        return 0
    if found.copied is not None:
        new, number = context.new_id("dlv_"), found.copied.target_revision
        deliveries.withdraw_at(
            transaction, article_id, id=new, key=plan.id, format=plan.format, revision=number, now=now
        )
        return 1
    revision = found.revision
    assert revision is not None
    withheld.lift(transaction, article_id, [plan.id])
    if found.row is None:
        schedule(context, transaction, plan, revision, now=now)
    else:
        digest = digest_in(context, transaction, revision, plan.format)
        number, format = revision.number, plan.format
        deliveries.renew(transaction, found.row, format=format, revision=number, digest=digest, now=now)
    return 1
