"""One revision as a line of time: accepted, looked up, rendered, in the feeds, sent to each place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction, articles, deliveries, evidence
from pipeline.ledger.articles import ArticleState, renditions, withheld
from pipeline.ledger.articles.made import Made, find
from pipeline.ledger.deliveries import attempts, channel_contents, channels
from pipeline.ledger.deliveries.channels import Health
from pipeline.ledger.evidence import cited
from pipeline.ledger.feeds import standing
from pipeline.model.reference import CitedReference
from pipeline.views.fields import ArticleId, Field, RevisionNumber, Time
from pipeline.views.steps import Facts, InFeed, Owed, PlaceSteps, Step, in_feeds, in_order, place_steps, step, steps_of


@dataclass(frozen=True, slots=True)
class LineOfTime:
    """A revision's steps, and its way to each place."""

    article: ArticleId
    revision: RevisionNumber
    scheduled: Annotated[Time | None, Field(description="When it goes live, if that is what it waits for.")]
    steps: Annotated[tuple[Step, ...], Field(description="In order. What has not happened yet says so.")]
    feeds: Annotated[tuple[InFeed, ...], Field(description="In the order in which they got it.")]
    places: Annotated[tuple[PlaceSteps, ...], Field(description="In the order in which they got it.")]


def line_of_time(transaction: Transaction, article_id: str, number: int, *, now: dt.datetime) -> LineOfTime | None:
    """Return the line of time of a revision, or None if the article has none with this number."""
    made, current = find(transaction, article_id, number), articles.get(transaction, article_id)
    return None if made is None or current is None else line_of(transaction, made, current, now=now)


def line_of(transaction: Transaction, made: Made, current: ArticleState, *, now: dt.datetime) -> LineOfTime:
    """Return the line of time of a revision that has been read."""
    facts = _facts(transaction, made, current, now)
    steps, places = steps_of(facts), in_order(list(_places(transaction, facts)))
    if not places and facts.is_newest:
        steps = (*steps, _sent_nowhere(facts))
    return LineOfTime(current.id, made.number, facts.waits_until, steps, in_feeds(facts), places)


def _sent_nowhere(facts: Facts) -> Step:
    if facts.is_out:
        return step("sent", "left-out", "to no place")
    return step("sent", "waiting", "not yet: follows once it is rendered")


def _facts(transaction: Transaction, made: Made, current: ArticleState, now: dt.datetime) -> Facts:
    shown = _references(transaction, made)
    pmids = [one.reference.pmid for one in shown if one.reference and one.reference.pmid]
    times = cited.times(transaction, sorted(set(pmids))).values() if pmids else ()
    return Facts(
        made=made,
        current=current,
        references=shown,
        changed=[one.changed for one in times if one.changed],
        formats=[one.format for one in renditions.of_revision(transaction, current.id, made.number)],
        feeds=standing.listing(transaction, current.id) if made.number == current.revision else (),
        now=now,
    )


def _references(transaction: Transaction, made: Made) -> tuple[CitedReference, ...]:
    if made.references is not None or made.article is None:
        return made.references or ()
    return evidence.references_of(transaction, made.article)


def _places(transaction: Transaction, facts: Facts) -> Iterator[PlaceSteps]:
    """Yield the way to each place. While the newest revision waits to be rendered, no place is owed it."""
    number, article = facts.made.number, facts.current.id
    if not facts.is_out:
        return
    owed = {one.channel: one for one in deliveries.of_article(transaction, article)}
    kept = withheld.of_article(transaction, article) if facts.is_newest else {}
    kept.pop(withheld.EVERYWHERE, None)
    tries = attempts.tries_of(transaction, [one.id for one in owed.values()], revision=number)
    got = channel_contents.got(transaction, article, number)
    resting = _resting(transaction, owed, facts.now)
    for channel in sorted({*owed, *kept, *got}):
        one = owed.get(channel)
        rests, until = resting.get(channel, (None, None))
        place = place_steps(
            facts,
            Owed(
                channel=channel,
                delivery=one,
                tries=tries.get(one.id) if one else None,
                got=got.get(channel),
                withheld=kept[channel].reason if channel in kept else None,
                rests=rests,
                rests_until=until,
            ),
        )
        if place is not None:
            yield place


def _resting(
    transaction: Transaction, ids: Collection[str], now: dt.datetime
) -> dict[str, tuple[str, dt.datetime | None]]:
    """Return why channels are sent nothing now, and until when if that is known."""
    healths = channels.healths(transaction, ids).items() if ids else ()
    return {channel: why for channel, health in healths if (why := _why(health, now))}


def _why(health: Health, now: dt.datetime) -> tuple[str, dt.datetime | None] | None:
    if health.paused is not None:
        return f"the channel is paused: {health.pause_reason or 'no reason was given'}", None
    if health.disabled is not None:
        return "the channel is disabled: its partner said that it is gone", None
    return ("the channel is failing", health.paused_until) if health.rests(now) else None
