"""Topics: the addresses of our own feed documents, as each document gives them in its `self` link."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pipeline.ledger.hub import requests as subscription_requests
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.hub.requests import Request
from pipeline.ledger.hub.subscriptions import Subscription
from pipeline.stages.context import Context
from pipeline.stages.feeds.files import formats_of

_ONCE = 500  # subscriptions ended in one transaction


class Topic(Struct, frozen=True):
    feed: str
    format: str


def topics(context: Context) -> Mapping[str, Topic]:
    """Return the topics that can be subscribed to, by address."""
    return {
        context.site.feed_url(feed.id, format.extension): Topic(feed.id, format.name)
        for feed in context.feeds.values()
        for format in formats_of(context, feed)
    }


def drop_others(context: Context) -> int:
    """End subscriptions to feeds that are no longer served, and notify the subscribers (section 5.2); return how many.

    Run when a process starts, since that is when settings are read.
    """
    ended = 0
    while context.hub is not None:
        with context.ledger.write() as transaction:
            others = subscriptions.of_other_topics(transaction, topics(context).keys(), limit=_ONCE)
            for other in others:
                subscriptions.end(transaction, other.id)
                subscription_requests.add(transaction, _denial(context, other), now=context.clock())
        ended += len(others)
        if not others:
            break
    return ended


def _denial(context: Context, of: Subscription) -> Request:
    fields = {name: getattr(of, name) for name in ("id", "feed", "format", "topic", "callback", "host")}
    return Request(
        **fields,
        mode="denied",
        secret=None,
        lease_seconds=0,
        generation=context.new_id("req_"),
        reason="this feed is no longer served here",
    )
