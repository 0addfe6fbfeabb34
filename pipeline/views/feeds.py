"""Feeds for operators: when each was built, how much is in it, what is wrong with it, and who follows it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.feeds.files import feed_path
from pipeline.ledger import Transaction, feeds
from pipeline.ledger.feeds import readers, standing
from pipeline.ledger.hub import subscriptions
from pipeline.model.site import Feed
from pipeline.stages.context import Context
from pipeline.stages.feeds.files import formats_of
from pipeline.views.fields import ArticleId, Count, Field, Time

FeedId = Annotated[str, Field(examples=["latest"])]
Day = Annotated[dt.date, Field(description="In UTC.", examples=["2026-03-01"])]

WINDOW = 7  # days for which readers are shown
_READERS = 100  # that are shown by name
_DAYS = 30  # that are shown


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """The newest entries of a feed in one format, as its readers fetch them."""

    format: Annotated[str, Field(examples=["atom"])]
    address: str
    bytes: Annotated[int | None, Field(ge=0, description="Uncompressed. Null: it is not built yet.")]
    modified: Annotated[Time | None, Field(description="Since when it is as it is.")]


@dataclass(frozen=True, slots=True)
class FeedFinding:
    """A rule of the partner for whom the feed is made that it breaks, or that an article breaks, which is left out."""

    rule: Annotated[str, Field(examples=["msn-title"])]
    detail: str
    article: ArticleId | None


@dataclass(frozen=True, slots=True)
class FeedReaders:
    """Who fetched a feed in the last seven days from this site's web server.

    What a web server or a cache before it answers itself is not seen here, and so is in none of these figures.
    """

    since: Day
    requests: Annotated[
        Count, Field(description="Of its newest entries, in all formats; also those answered with 304. To the minute.")
    ]
    names: Annotated[Count, Field(description="Readers that give a name, each counted once for each format.")]
    more: Annotated[Count, Field(description="Readers beyond the first hundred, which `fetched_by` leaves out.")]
    said: Annotated[
        int | None,
        Field(
            ge=0,
            description="Subscribers that aggregators say they fetch it for: the sum of what each said on the last day "
            "on which it said anything. Nobody can check that. Null: none says anything.",
        ),
    ]


@dataclass(frozen=True, slots=True)
class FeedReader:
    """A program that fetched a feed in a format, by the name in its `User-Agent`: its own word."""

    reader: Annotated[
        str,
        Field(
            description="`(browser)`; `(unnamed)`: it sends no `User-Agent`; `(others)`: those without a name that can "
            "be read, and those beyond the names that a feed has places for.",
            examples=["Feedly"],
        ),
    ]
    format: str
    said: Annotated[
        int | None,
        Field(
            ge=0,
            description="Subscribers that it says it fetches the feed for: the most that it said on the last day on "
            "which it said anything. Null: it says nothing of them.",
        ),
    ]
    requests: Count
    last: Annotated[Day, Field(description="The last day on which it fetched the feed.")]


@dataclass(frozen=True, slots=True)
class FeedDay:
    """A day on which a feed was fetched. `said`: as of the feed's readers, on this day."""

    day: Day
    requests: Count
    said: Annotated[int | None, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed. What is not counted is null, and never 0."""

    feed: FeedId
    title: str
    built: Annotated[Time | None, Field(description="When it was built last; null: never.")]
    due: Annotated[Time | None, Field(description="When it is built next, because something changed.")]
    error: Annotated[str | None, Field(description="Why it could not be built last.")]
    entries: Annotated[Count, Field(description="Articles in it, on all its pages.")]
    withdrawn: Annotated[Count, Field(description="Entries that say that an article was withdrawn.")]
    pages: Count
    stale: Annotated[Count, Field(description="Pages that are to be built again.")]
    documents: tuple[FeedDocument, ...]
    findings: tuple[FeedFinding, ...]
    subscriptions: Annotated[
        int | None, Field(ge=0, description="At this site's own hub. Null: it has none, so they are not counted.")
    ]
    readers: FeedReaders


@dataclass(frozen=True, slots=True)
class FeedList:
    """Every feed of the settings."""

    feeds: tuple[FeedState, ...]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription at the hub. Of its callback the host alone is shown: the rest may be its subscriber's secret."""

    id: Annotated[str, Field(examples=["sub_0c4f7a91d2e6"])]
    format: str
    topic: Annotated[str, Field(description="The address that was subscribed to.")]
    host: Annotated[str, Field(description="Of the callback.", examples=["reader.example.com"])]
    since: Time
    expires: Annotated[Time, Field(description="Its lease ends then, unless it is renewed.")]
    answer: Annotated[
        Literal["accepted", "waits", "failed"],
        Field(description="accepted: it has the newest document. waits: it is to be sent it. failed: it took none."),
    ]
    error: Annotated[str | None, Field(description="What it answered last, if that was no acceptance.")]
    attempts: Annotated[int, Field(ge=0, description="That failed, in a row.")]
    due: Annotated[Time | None, Field(description="When it is sent the newest document.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFeed(FeedState):
    """A feed with its readers, and a page of its subscriptions, by id."""

    fetched_by: Annotated[
        tuple[FeedReader, ...],
        Field(description="The first hundred: by the subscribers that they say they have, and then by requests."),
    ]
    days: Annotated[tuple[FeedDay, ...], Field(description="The last thirty on which it was fetched, newest first.")]
    subscribers: tuple[Subscriber, ...]
    next: Annotated[str | None, Field(description="The `after` of the next page; null if this is the last one.")]


def feed_list(context: Context) -> FeedList:
    """Return every feed of the settings, in their order. Raises TransientError if the store does not answer."""
    with context.ledger.read() as transaction:
        since = _since(context)
        known = [
            _known(context, transaction, feed, since, _fetched_by(readers.since(transaction, feed.id, since)))
            for feed in context.feeds.values()
        ]
    return FeedList(tuple(_with_sizes(context, one) for one in known))


def whole_feed(context: Context, name: str, *, after: str, limit: int) -> WholeFeed | None:
    """Return a feed with the subscriptions after an id, or None if there is no such feed. Raises as `feed_list`."""
    feed, now, since = context.feeds.get(name), context.clock(), _since(context)
    if feed is None:
        return None
    with context.ledger.read() as transaction:
        fetched_by = _fetched_by(readers.since(transaction, name, since))
        known = _known(context, transaction, feed, since, fetched_by)
        found = subscriptions.of_feed(transaction, name, now=now, after=after, limit=limit + 1) if context.hub else []
        days = [FeedDay(one.day, one.requests, one.said) for one in readers.days(transaction, name, limit=_DAYS)]
    state = _with_sizes(context, known)
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    more = found[limit - 1].id if len(found) > limit else None
    return WholeFeed(
        **fields,
        fetched_by=tuple(fetched_by[:_READERS]),
        days=tuple(days),
        subscribers=tuple(map(_subscriber, found[:limit])),
        next=more,
    )


def _known(
    context: Context, transaction: Transaction, feed: Feed, since: dt.date, fetched_by: list[FeedReader]
) -> FeedState:
    """Return what the ledger knows of a feed: not how large its documents are."""
    state, size = standing.state_of(transaction, feed.id), standing.size_of(transaction, feed.id)
    followed = subscriptions.count(transaction, feed=feed.id, now=context.clock()) if context.hub else None
    return FeedState(
        feed=feed.id,
        title=feed.title,
        built=state.built if state else None,
        due=state.due if state else None,
        error=state.error if state else None,
        entries=size.live,
        withdrawn=size.withdrawn,
        pages=size.pages,
        stale=size.stale,
        documents=tuple(_documents(context, transaction, feed)),
        findings=_findings(state.findings) if state else (),
        subscriptions=followed,
        readers=_summary(since, fetched_by),
    )


def _since(context: Context) -> dt.date:
    return context.clock().date() - dt.timedelta(days=WINDOW - 1)


def _fetched_by(counted: Iterable[readers.OnDay]) -> list[FeedReader]:
    """Return the readers of several days, given with the oldest day first."""
    found: dict[readers.Fetcher, FeedReader] = {}
    for one in counted:
        before = found.get((one.reader, one.format))
        said = one.said if one.said is not None or before is None else before.said
        requests = one.requests + (before.requests if before else 0)
        found[one.reader, one.format] = FeedReader(one.reader, one.format, said, requests, one.day)
    return sorted(found.values(), key=lambda one: (-(one.said or 0), -one.requests, one.reader, one.format))


def _summary(since: dt.date, fetched_by: list[FeedReader]) -> FeedReaders:
    said = [one.said for one in fetched_by if one.said is not None]
    return FeedReaders(
        since=since,
        requests=sum(one.requests for one in fetched_by),
        names=sum(not one.reader.startswith("(") for one in fetched_by),
        more=max(len(fetched_by) - _READERS, 0),
        said=sum(said) if said else None,
    )


def _documents(context: Context, transaction: Transaction, feed: Feed) -> Iterator[FeedDocument]:
    built = feeds.documents(transaction, feed.id)
    for format in formats_of(context, feed):
        address, one = context.site.feed_url(feed.id, format.extension), built.get(format.name)
        yield FeedDocument(format.name, address, None, one.modified if one else None)


def _with_sizes(context: Context, one: FeedState) -> FeedState:
    """Ask the store, which may be far away, how large the documents are; no transaction waits for it."""
    return dataclasses.replace(one, documents=tuple(_with_size(context, one.feed, each) for each in one.documents))


def _with_size(context: Context, feed_id: str, one: FeedDocument) -> FeedDocument:
    if one.modified is None:
        return one
    file = context.store.file_state(feed_path(feed_id, context.formats[one.format].extension))
    return dataclasses.replace(one, bytes=file.size if file else None)


def _findings(found: str | None) -> tuple[FeedFinding, ...]:
    return tuple(FeedFinding(one["rule"], one["detail"], one.get("article")) for one in json.loads(found or "[]"))


def _subscriber(one: subscriptions.Follower) -> Subscriber:
    return Subscriber(
        id=one.id,
        format=one.format,
        topic=one.topic,
        host=one.host,
        since=one.since,
        expires=one.expires,
        answer="failed" if one.error else "waits" if one.due is not None else "accepted",
        error=one.error,
        attempts=one.attempts,
        due=one.due,
    )
