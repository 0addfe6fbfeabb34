"""The steps of a revision on its way to its readers, each with its time and how long after the one before. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Struct

from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.articles.made import Made
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.deliveries.attempts import Attempt, Tries
from pipeline.ledger.feeds.standing import Listed
from pipeline.model.reference import CitedReference
from pipeline.model.words import count
from pipeline.views.fields import ChannelId, Field, Time

StepState = Literal["done", "waiting", "failed", "left-out"]

_ENDS = 2  # attempts at a place that are shown: the first and the last


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a revision on its way."""

    what: Annotated[str, Field(description="The step, in words.", examples=["rendered"])]
    state: Annotated[StepState, Field(description="left-out: it is not needed, or something later took its place.")]
    says: Annotated[str, Field(description="More about it, in words.")]
    at: Annotated[Time | None, Field(description="When it was. Null: it was not yet, or that is not known.")]
    later: Annotated[float | None, Field(ge=0, description="Seconds after the last step before that has a time.")]
    until: Annotated[Time | None, Field(description="When it is tried, or what it waits for is over.")]


@dataclass(frozen=True, slots=True)
class InFeed:
    """A feed that shows a revision."""

    feed: Annotated[str, Field(description="`:sitemap` is the sitemap.", examples=["latest"])]
    since: Annotated[
        Time | None,
        Field(
            description="Since when all pages of the feed that are to show it do. Null: that is not known, because a "
            "release that did not record it built them, or it broke a rule of the feed's partner then."
        ),
    ]

    @property
    def name(self) -> str:
        """Return the feed in words."""
        return _name(self.feed)


@dataclass(frozen=True, slots=True)
class PlaceSteps:
    """The way of a revision to a channel or place: the first attempt, the last, and what came of it."""

    channel: ChannelId
    delivery: str | None
    state: Annotated[StepState, Field(description="That of the last step.")]
    steps: tuple[Step, ...]


class Facts(Struct, frozen=True, kw_only=True):
    """What the ledger knows of a revision up to its rendering and in the feeds."""

    made: Made
    current: ArticleState
    references: Sequence[CitedReference]  # as they were shown, or as they are known now
    changed: Sequence[dt.datetime]  # when PubMed last said something new about each of those that were found
    formats: Sequence[str]  # of the renditions that are kept
    feeds: Sequence[Listed]
    now: dt.datetime

    @property
    def is_newest(self) -> bool:
        return self.made.number == self.current.revision

    @property
    def is_out(self) -> bool:
        """Whether channels and feeds may have it: a withdrawal needs no rendering."""
        return self.made.event == "withdrawn" or self.made.references is not None

    @property
    def waits_until(self) -> dt.datetime | None:
        """When it goes live, if it waits for that. None: it has another reason to wait, or is out."""
        if not self.is_newest or self.is_out or self.made.article is None:
            return None
        not_before = self.made.article.not_before
        return not_before if not_before is not None and not_before > self.now else None

    @property
    def pending(self) -> int:
        return sum(one.state == "pending" for one in self.references)


class Owed(Struct, frozen=True, kw_only=True):
    """What the ledger knows of a revision at a channel or place."""

    channel: str
    delivery: Delivery | None  # None: the article was never meant for it
    tries: Tries | None  # at the revision
    got: dt.datetime | None  # when it accepted the revision
    withheld: str | None  # why it must not have the article
    rests: str | None  # why it is sent nothing now
    rests_until: dt.datetime | None


def steps_of(facts: Facts) -> tuple[Step, ...]:
    """Return the steps that come before deliveries, in order."""
    begun = _begun(facts.made)
    found, since = [begun], begun.at
    for follows in (_looked_up, _rendered, _listed):
        if (one := follows(facts, since)) is not None:
            found.append(one)
            since = one.at or since
    return tuple(found)


def step(
    what: str,
    state: StepState,
    says: str = "",
    *,
    at: dt.datetime | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Step:
    """Return a step. `since`: when the step before was."""
    later = max((at - since).total_seconds(), 0.0) if at and since else None
    return Step(what, state, says, at, later, until)


def _begun(made: Made) -> Step:
    if made.event_id is not None:
        by = f"an event of {made.source}" if made.source else "an event"
        says = f"a withdrawal, by {by}: {made.reason}" if made.event == "withdrawn" else by
        return step("accepted", "done", says, at=made.accepted or made.at)
    if made.event == "withdrawn":
        return step("held back", "done", made.reason or "", at=made.at)
    says = "its evidence changed, or it was released"
    return step("made", "done", "it is rendered in another way" if made.cause == "refreshed" else says, at=made.at)


def _looked_up(facts: Facts, since: dt.datetime | None) -> Step | None:
    what, made = "references looked up", facts.made
    if made.event == "withdrawn" or made.event_id is None:
        return None
    total, pending = count(len(facts.references), "reference"), facts.pending
    if not facts.references:
        return step(what, "left-out", "it cites nothing")
    if not pending:
        return _all_answered(facts, since, what, total)
    some = f"{len(facts.references) - pending} of {total}"
    if made.references is None:
        return step(what, "waiting", f"{some} answered so far") if facts.is_newest else None
    state: StepState = "waiting" if facts.is_newest else "left-out"
    return step(what, state, f"{some} answered when it was rendered; the others follow as a later revision")


def _all_answered(facts: Facts, since: dt.datetime | None, what: str, total: str) -> Step:
    """Return the step with the time of the last record, unless that has changed since and so hides when it came."""
    end = facts.made.rendered_at or facts.now
    if since is None or any(at > end for at in facts.changed):
        return step(what, "done", f"{total}, answered before it was rendered" if facts.is_out else total)
    last = max((at for at in facts.changed if at >= since), default=None)
    return step(what, "done", f"{total}, all answered" if last else f"{total}, known before", at=last, since=since)


def _rendered(facts: Facts, since: dt.datetime | None) -> Step | None:
    what, made, current = "rendered", facts.made, facts.current
    if made.event == "withdrawn":
        return None
    not_before = made.article.not_before if made.article else None
    if made.references is not None:
        says = f"in {', '.join(facts.formats)}" if facts.formats else "its renditions are no longer kept"
        if not_before and not_before > (made.accepted or made.at):
            says += ", when its time had come"
        return step(what, "done", says, at=made.rendered_at, since=since)
    if not facts.is_newest:
        return step(what, "left-out", "a later revision took its place first")
    if current.error:
        return step(what, "failed", current.error, until=current.due)
    if facts.waits_until is not None:
        return step(what, "waiting", "not yet: waits for its time", until=facts.waits_until)
    if facts.pending:
        return step(what, "waiting", "not yet: waits for its references, at the latest until then", until=current.due)
    return step(what, "waiting", "not yet", until=current.due)


def _listed(facts: Facts, since: dt.datetime | None) -> Step | None:
    what, made = "in the feeds", facts.made
    if not facts.is_out:
        return step(what, "waiting", "not yet: follows once it is rendered") if facts.is_newest else None
    if made.cause == "refreshed":
        return step(what, "left-out", "they keep their entry: what it says is the same")
    if not facts.is_newest:
        return step(what, "left-out", "a later revision takes its place there")
    if not facts.feeds:
        return step(what, "left-out", "it belongs to none")
    lacking = [one for one in facts.feeds if not _has(one, made.number, since)]
    if lacking:
        return _not_listed(what, lacking)
    if refused := [one for one in facts.feeds if _breaks_a_rule(one, facts.current.id)]:
        return step(what, "failed", f"left out of {_names(refused)}, of which it breaks a rule")
    if unknown := [one for one in facts.feeds if one.since is None]:
        return step(what, "done", f"{_names(facts.feeds)}; since when is not known of {_names(unknown)}")
    last = max(one.since for one in facts.feeds if one.since)
    return step(what, "done", _names(facts.feeds), at=last, since=since)


def _has(one: Listed, number: int, since: dt.datetime | None) -> bool:
    """Return whether the feed as it was built last shows the revision."""
    if one.waits or one.revision is None or one.revision < number:
        return False
    if one.since is not None:
        return True
    built = one.state.built
    return one.state.due is None or (built is not None and since is not None and built >= since)


def _not_listed(what: str, lacking: Sequence[Listed]) -> Step:
    error = next((one.state.error for one in lacking if one.state.error), None)
    until = min((one.state.due for one in lacking if one.state.due), default=None)
    if error is not None:
        return step(what, "failed", f"not yet: {_names(lacking)} could not be built: {error}", until=until)
    return step(what, "waiting", f"not yet: {_names(lacking)} waits to be built", until=until)


def _breaks_a_rule(one: Listed, article_id: str) -> bool:
    found = json.loads(one.state.findings) if one.state.findings else []
    return any(finding.get("article") == article_id for finding in found)


def in_feeds(facts: Facts) -> tuple[InFeed, ...]:
    """Return the feeds that show the revision, in the order in which they got it; those last of which it is unknown."""
    if not facts.is_out or facts.made.cause == "refreshed":
        return ()
    left_out = [one for one in facts.feeds if _breaks_a_rule(one, facts.current.id)]
    has = [one for one in facts.feeds if one not in left_out and _has(one, facts.made.number, facts.made.rendered_at)]
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return tuple(InFeed(one.feed, one.since) for one in sorted(has, key=lambda one: (one.since or never, one.feed)))


def _names(feeds: Sequence[Listed]) -> str:
    return ", ".join(_name(one.feed) for one in feeds)


def _name(feed: str) -> str:
    return "the sitemap" if feed == SITEMAP else feed


# --- to each place --------------------------------------------------------------------------------------------------


def place_steps(facts: Facts, owed: Owed) -> PlaceSteps | None:
    """Return the way of the revision to a place, or None if there is nothing to say about the two."""
    tried = list(_tried(facts, owed))
    found = [*tried, *_ended(facts, owed, tried[-1] if tried else None)]
    if not found:
        return None
    delivery = owed.delivery.id if owed.delivery else None
    return PlaceSteps(owed.channel, delivery, found[-1].state, tuple(found))


def in_order(places: Sequence[PlaceSteps]) -> tuple[PlaceSteps, ...]:
    """Return the places in the order in which they got it, and then those that did not."""
    never = dt.datetime.max.replace(tzinfo=dt.UTC)

    def key(place: PlaceSteps) -> tuple[bool, dt.datetime, str]:
        at = max((one.at for one in place.steps if one.at), default=never)
        return place.state != "done", at, place.channel

    return tuple(sorted(places, key=key))


def _tried(facts: Facts, owed: Owed) -> Iterator[Step]:
    """Yield the first attempt and the last, and how many there were between them."""
    tries, one = owed.tries, owed.delivery
    if tries is None:
        return
    all_of_them = one.attempts if one is not None and one.target_revision == facts.made.number else 0
    name = "first attempt" if all_of_them <= tries.count else "first attempt that is kept"
    done = "removed" if facts.made.event == "withdrawn" or owed.withheld is not None else "delivered"
    yield _attempt(name, f"{done} at the {name}", tries.first, facts.made.rendered_at or facts.made.at)
    if between := max(tries.count - _ENDS, 0):
        yield step(count(between, "more attempt"), "failed", "each is on the page of the delivery")
    if tries.count > 1:
        yield _attempt("last attempt", done, tries.last, tries.first.at)


def _attempt(name: str, done: str, one: Attempt, since: dt.datetime) -> Step:
    answer = f"{one.outcome} {one.status}" if one.status else one.outcome
    says = f"{answer}, took {one.milliseconds:,} ms"
    if one.outcome == "delivered":
        return step(done, "done", says, at=one.at, since=since)
    return step(name, "failed", says, at=one.at, since=since)


def _ended(facts: Facts, owed: Owed, last: Step | None) -> Iterator[Step]:
    """Yield what came of the attempts, or what is to come."""
    number, one = facts.made.number, owed.delivery
    if one is not None and one.target_revision == number and one.state != "delivered":
        yield _outstanding(owed, one)
    elif facts.is_newest and owed.withheld is not None:
        yield step("kept back", "left-out", owed.withheld)
    elif last is not None and last.state == "done":
        return
    elif owed.got is not None:
        yield step("delivered", "done", at=owed.got, since=last.at if last else facts.made.rendered_at)
    elif not facts.is_newest:
        if last is not None:
            yield step("not delivered", "left-out", "a later revision took its place")
    elif one is None:
        return
    elif one.target_revision == number:
        yield step("delivered", "done", "it has the same bytes already")
    elif one.target_revision > number:
        yield step("not delivered", "left-out", "a later revision takes its place")
    else:
        yield _stays(one)


def _stays(one: Delivery) -> Step:
    """Return why the place is not sent the revision: another one is what it should have."""
    has = "nothing of it" if one.delivered_event == "withdrawn" else f"revision {one.delivered_revision}"
    if one.delivered_revision is None:
        return step("not sent", "left-out", f"is to have revision {one.target_revision}")
    return step("not sent", "left-out", f"it keeps {has}: in its form nothing differs, or it gets nothing new")


def _outstanding(owed: Owed, one: Delivery) -> Step:
    if one.state == "abandoned":
        return step("given up", "failed", one.error or "", until=one.due)
    if owed.rests is not None:
        return step("next attempt", "waiting", f"not yet: {owed.rests}", until=owed.rests_until)
    if one.state == "sending":
        return step("next attempt", "waiting", "it is being sent")
    if one.due is None:
        return step("fetched", "waiting", "not yet: waits for its partner to fetch it")
    return step("first attempt" if owed.tries is None else "next attempt", "waiting", "not yet", until=one.due)
