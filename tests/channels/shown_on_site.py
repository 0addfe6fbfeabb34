"""The publisher's site at the time of a notification, for channels that carry no article."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from channel_harness import Received

from pipeline.model.delivery import Parcel
from standins.endpoint import Reply
from standins.publisher import Publisher


def publish(site: Publisher, parcel: Parcel, body: bytes) -> None:
    """The page (410 once it is withdrawn), its AMP page, and the feeds with every article's state."""
    assert parcel.links is not None
    state = {"x-article": parcel.article_id, "x-revision": str(parcel.revision), "x-event": parcel.event}
    shown = Reply(410 if parcel.event == "withdrawn" else 200, body, "text/html", state)
    for address in (parcel.links.page, parcel.links.amp):
        site.documents[urlsplit(address).path] = shown
    for feed in parcel.links.feeds:
        path = urlsplit(feed).path
        entries = json.loads(site.documents[path].body) if path in site.documents else {}
        entries[parcel.article_id] = [parcel.revision, parcel.event, body.decode()]
        site.documents[path] = Reply(200, json.dumps(entries).encode(), "application/rss+xml")


def seen(reply: Reply | None) -> Received | None:
    """What a client learns by fetching a page."""
    if reply is None or "x-revision" not in reply.headers:
        return None
    return Received(int(reply.headers["x-revision"]), reply.headers["x-event"], reply.body)


def seen_in_feed(reply: Reply | None, article_id: str) -> Received | None:
    entries = json.loads(reply.body) if reply is not None and reply.status == 200 else {}
    if article_id not in entries:
        return None
    revision, event, body = entries[article_id]
    return Received(revision, event, body.encode())
