"""What events would do, and what each channel would get: their acceptance and the decision about them, both foreseen.

Nothing is written. The evidence is judged by what is known of it now, as rendering does; what no source was ever asked
about is `pending`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, deliveries, evidence
from pipeline.ledger.articles import accepted
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.deliveries import Delivery, channels
from pipeline.ledger.evidence import identifiers
from pipeline.model.article import Article
from pipeline.model.event import Event, Withdraw
from pipeline.model.moment import rfc3339
from pipeline.model.reading import ReadWarning
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.stages.accept import Intake
from pipeline.stages.accept.preview import (
    CHANGING,
    Foreseen,
    feeds_for,
    foresee,
    scheduled,
    slugs,
    unknown_topics,
)
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.render.withhold import channel_hold, site_hold

Gets = Literal["revision", "withdrawal", "nothing"]


class WouldGet(Struct, frozen=True, kw_only=True):
    """What a channel would get. `why`: why nothing or a withdrawal, or why not at once."""

    channel: str
    format: str
    gets: Gets
    why: str | None = None


class Trial(Struct, frozen=True, kw_only=True):
    """What one event would do."""

    foreseen: Foreseen
    warnings: tuple[ReadWarning, ...] = ()
    scheduled: dt.datetime | None = None
    held: str | None = None  # why the site would show it to nobody
    references: tuple[CitedReference, ...] = ()
    known: tuple[str, ...] = ()  # PMIDs of retracted papers that its author cites knowingly
    channels: tuple[WouldGet, ...] = ()
    feeds: tuple[str, ...] = ()


def dry_run(context: Context, intake: Intake, transaction: Transaction, batch: Sequence[Event]) -> list[Trial]:
    """Return what accepting the events would do. Raises InvalidEvent as `accept_all` does.

    Each is compared with the ledger as it is now. A warning says so where an earlier event of the batch is about the
    same article.
    """
    trials = list[Trial]()
    for one in dry_run_of_each(context, intake, transaction, batch):
        if isinstance(one, InvalidEvent):
            raise one
        trials.append(one)
    return trials


def dry_run_of_each(
    context: Context, intake: Intake, transaction: Transaction, batch: Iterable[Event]
) -> Iterator[Trial | InvalidEvent]:
    """Yield what accepting each event would do, or why it would be refused. The others are then tried all the same."""
    seen, site = dict[str, Foreseen](), _site(context, transaction, intake.clock())
    for event in batch:
        earlier = seen.get(event.article_id)
        try:
            foreseen = _foreseen(intake, transaction, event, earlier, site.now)
        except InvalidEvent as error:
            yield error
            continue
        warnings = (*event.warnings, *([_AFTER_ANOTHER] if earlier is not None else []))
        yield _trial(site, transaction, event, Trial(foreseen=foreseen, warnings=warnings))
        seen[event.article_id] = seen[foreseen.article] = foreseen


@dataclass(frozen=True)
class _Site:
    """What all events of a batch are compared with."""

    context: Context
    now: dt.datetime
    plans: Sequence[ChannelPlan]  # of the channels that get more than withdrawals
    paused: frozenset[str]


def _site(context: Context, transaction: Transaction, now: dt.datetime) -> _Site:
    plans = [plan for plan in context.channels_now(transaction).values() if not plan.retired]
    health = channels.healths(transaction, [plan.id for plan in plans])
    return _Site(context, now, plans, frozenset(id for id, one in health.items() if one.paused is not None))


_AFTER_ANOTHER = ReadWarning(
    code="earlier-in-batch",
    message="an earlier event of the batch is about the same article: this one is compared with what is there now",
)


def _foreseen(
    intake: Intake, transaction: Transaction, event: Event, earlier: Foreseen | None, now: dt.datetime
) -> Foreseen:
    try:
        return foresee(transaction, event, now=now, gone=intake.gone)
    except InvalidEvent as error:
        if error.code != "unknown-article" or earlier is None:
            raise
        return Foreseen(action="withdrawn", article=earlier.article, revision=earlier.revision + 1)


def _trial(site: _Site, transaction: Transaction, event: Event, trial: Trial) -> Trial:
    foreseen = trial.foreseen
    if isinstance(event, Withdraw):
        gets = tuple(_withdrawals(transaction, foreseen)) if foreseen.action == "withdrawn" else ()
        return structs.replace(trial, channels=gets)
    article = foreseen.after or event.article
    revision = _revision(transaction, foreseen, article, site.now)
    topics = unknown_topics(article, site.plans, site.context.feeds.values())
    return structs.replace(
        trial,
        warnings=(*trial.warnings, *topics),
        scheduled=scheduled(article, site.now),
        references=revision.references,
        known=article.cites_retracted,
        **(_reach(site, transaction, foreseen, revision) if foreseen.action in CHANGING else {}),
    )


def _revision(transaction: Transaction, foreseen: Foreseen, article: Article, now: dt.datetime) -> Revision:
    """Return the revision as it would be rendered with what is known now."""
    # Citing one of these would have it asked about; what was never cited has no row yet.
    references = tuple(
        structs.replace(cited, state="pending")
        if cited.state == "unwatched" and cited.work.scheme in identifiers.SCHEMES
        else cited
        for cited in evidence.references_of(transaction, article)
    )
    return Revision(article=article, number=foreseen.revision, published=now, updated=now, references=references)


def _reach(site: _Site, transaction: Transaction, foreseen: Foreseen, revision: Revision) -> dict[str, object]:
    """Return who would get the revision, and why others would not."""
    context, now = site.context, site.now
    released = accepted.of_article(transaction, foreseen.article)
    held = site_hold(context.policy, revision, released, now=now)
    has = {one.channel: one for one in deliveries.of_article(transaction, foreseen.article)}
    later = scheduled(revision.article, now)

    def gets(plan: ChannelPlan) -> WouldGet:
        if plan.id not in has and not plan.wants(slugs(revision.article)):
            why = "none of the article's topics is one of its own" if plan.enabled else "it is not enabled"
            return WouldGet(channel=plan.id, format=plan.format, gets="nothing", why=why)
        why_not = held or channel_hold(context.policy, plan, revision, released, now=now)
        if why_not is not None:
            return _kept_from(plan, has.get(plan.id), why_not)
        wait = f"not before {rfc3339(later)}" if later else "it is paused" if plan.id in site.paused else None
        return WouldGet(channel=plan.id, format=plan.format, gets="revision", why=wait)

    feeds = () if held else tuple(feeds_for(context.feeds.values(), revision.article))
    return {"held": held.reason if held else None, "channels": tuple(map(gets, site.plans)), "feeds": feeds}


def _kept_from(plan: ChannelPlan, has: Delivery | None, why: Withheld) -> WouldGet:
    gets: Gets = "withdrawal" if has is not None and has.delivered_revision is not None else "nothing"
    return WouldGet(channel=plan.id, format=plan.format, gets=gets, why=why.reason)


def _withdrawals(transaction: Transaction, foreseen: Foreseen) -> Iterator[WouldGet]:
    """Yield the channels that may have seen the article."""
    seen = set(deliveries.seen_by(transaction, foreseen.article))
    for one in deliveries.of_article(transaction, foreseen.article):
        if one.channel in seen:
            yield WouldGet(channel=one.channel, format=one.format, gets="withdrawal")
