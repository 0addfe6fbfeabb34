"""`feeds`: when each feed was built, how much is in it, what is wrong with it, and who follows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import InvalidEvent
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, UtcOption, find_in_force, print_json
from workers.cli.contexts import context_to_look
from workers.cli.tables import table
from workers.cli.times import shown as time_shown

if TYPE_CHECKING:
    from pipeline.views.feeds import FeedReader, FeedState, Subscriber

_MOST = 1000  # subscriptions shown of one feed


def register(app: typer.Typer) -> None:
    app.command()(feeds)


def feeds(
    feed: Annotated[str | None, typer.Argument(metavar="[FEED]", help="None: all of them.")] = None,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show when each feed was built, how much is in it and what is wrong with it; of one feed, who follows it."""
    from pipeline.views.feeds import feed_list, whole_feed

    with context_to_look(find_in_force(data, config)) as context:
        now = context.clock()
        if feed is None:
            every = feed_list(context)
            print_json(every) if json else _show(every.feeds, now, utc=utc)
            return
        one = whole_feed(context, feed, after="", limit=_MOST)
    if one is None:
        hint = "see `citewire feeds`"
        raise InvalidEvent(f"the settings have no feed {feed!r}", code="unknown-feed", field="feed", hint=hint)
    if json:
        print_json(one)
        return
    _show([one], now, utc=utc)
    _show_readers(one.fetched_by)
    if one.readers.more:
        output.note(f"there are {one.readers.more} more readers, with fewer subscribers or requests")
    _show_subscribers(one.subscribers, now, utc=utc)
    if one.subscriptions is None:
        output.note("subscriptions are not counted: this site has no hub of its own")
    elif one.next is not None:
        output.note(f"there are more subscriptions than these {_MOST}: `GET /v1/feeds/{feed}` has them in pages")


def _show(found: Sequence[FeedState], now: dt.datetime, *, utc: bool) -> None:
    columns = (
        "feed",
        "built",
        "entries",
        "withdrawn",
        "pages",
        "findings",
        "requests",
        "said",
        "subscriptions",
        "error",
    )
    rows = [
        (
            one.feed,
            time_shown(one.built, now, utc=utc) if one.built else "never",
            one.entries,
            one.withdrawn,
            one.pages,
            len(one.findings),
            one.readers.requests,
            one.readers.said,
            "not counted" if one.subscriptions is None else one.subscriptions,
            one.error,
        )
        for one in found
    ]
    table(output.answers(), "feeds", columns, rows, prose=("error",))
    documents = [(one.feed, doc.format, doc.bytes, doc.address) for one in found for doc in one.documents]
    table(output.answers(), "documents", ("feed", "format", "bytes", "address"), documents)
    findings = [(one.feed, each.rule, each.article, each.detail) for one in found for each in one.findings]
    table(output.answers(), "findings", ("feed", "rule", "article", "detail"), findings, prose=("detail",))
    output.note(
        "requests: in the last seven days, without what a web server or a cache before Citewire answered itself; "
        "said: the subscribers that aggregators say they have"
    )


def _show_readers(found: Sequence[FeedReader]) -> None:
    columns = ("reader", "format", "says", "requests", "last day")
    rows = [(one.reader, one.format, one.said, one.requests, one.last.isoformat()) for one in found]
    table(output.answers(), "readers in the last seven days", columns, rows)


def _show_subscribers(found: Sequence[Subscriber], now: dt.datetime, *, utc: bool) -> None:
    columns = ("host", "format", "lease until", "last answer", "next push", "error")
    rows = [
        (
            one.host,
            one.format,
            time_shown(one.expires, now, utc=utc),
            one.answer,
            time_shown(one.due, now, utc=utc),
            one.error,
        )
        for one in found
    ]
    table(output.answers(), "subscriptions", columns, rows, prose=("error",))
