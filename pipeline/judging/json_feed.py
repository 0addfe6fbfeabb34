"""JSON Feed 1.1 (jsonfeed.org/version/1.1): what readers need to show each article once, with its date and its text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.judging.parts.json_object import JSON, Object, is_text, not_fit, not_texts, objects_in
from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import unfit
from pipeline.judging.parts.values import is_rfc3339, is_uri, is_web_address, quoted, repeated

_VERSION = "https://jsonfeed.org/version/1.1"
_OF_FEED = frozenset({
    "version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url", "icon", "favicon",
    "author", "authors", "language", "expired", "hubs", "items",
})  # fmt: skip
_OF_ITEM = frozenset({
    "id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image",
    "date_published", "date_modified", "author", "authors", "tags", "language", "attachments",
})  # fmt: skip
_ADDRESSES_OF_FEED = ("home_page_url", "feed_url", "next_url", "icon", "favicon")
_ADDRESSES_OF_ITEM = ("url", "external_url", "image", "banner_image")
_EXTENSION = re.compile(r"_[A-Za-z][^.]*")


def _feed(feed: Object) -> Iterator[str]:
    if feed.get("version") != _VERSION:
        yield f"`version` is {quoted(feed.get('version'))}"
    yield from not_texts(feed, "title", called="the feed")
    items = feed.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        yield "`items` is no array of objects"


def _items(feed: Object) -> Iterator[str]:
    for item in objects_in(feed, "items"):
        yield from not_texts(item, "id", called="an item")
        if not (is_text(item.get("content_html")) or is_text(item.get("content_text"))):
            yield f"the item {quoted(item.get('id'))} has neither `content_html` nor `content_text`"


def _ids(feed: Object) -> Iterator[str]:
    yield from repeated(item.get("id") for item in objects_in(feed, "items"))


def _dates(feed: Object) -> Iterator[str]:
    for item in objects_in(feed, "items"):
        yield from not_fit(item, ("date_published", "date_modified"), is_rfc3339, "no date of RFC 3339")


def _addresses(feed: Object) -> Iterator[str]:
    yield from not_fit(feed, _ADDRESSES_OF_FEED, is_web_address, "no address on the web")
    for item in objects_in(feed, "items"):
        yield from not_fit(item, _ADDRESSES_OF_ITEM, is_web_address, "no address on the web")
    for holder in (feed, *objects_in(feed, "items")):
        for author in objects_in(holder, "authors"):
            yield from not_fit(author, ("url", "avatar"), is_uri, "no address")


def _attachments(feed: Object) -> Iterator[str]:
    for item in objects_in(feed, "items"):
        for attachment in objects_in(item, "attachments"):
            yield from not_texts(attachment, "url", "mime_type", called="an attachment")


def _names(feed: Object) -> Iterator[str]:
    holders = [(feed, _OF_FEED), *((item, _OF_ITEM) for item in objects_in(feed, "items"))]
    for holder, known in holders:
        for name in holder.keys() - known:
            if not _EXTENSION.fullmatch(name):
                yield f"{quoted(name)} is no member of JSON Feed, nor an extension"


def _texts(feed: Object) -> Iterator[str]:
    texts = (item.get("content_html") for item in objects_in(feed, "items"))
    yield from unfit(text for text in texts if isinstance(text, str))


JUDGE = Judge(
    "json-feed",
    JSON,
    (
        Rule("feed", "JSON Feed 1.1, Top-level", _feed),
        Rule("items", "JSON Feed 1.1, Items", _items),
        Rule("ids", "JSON Feed 1.1, Items: id", _ids),
        Rule("dates", "JSON Feed 1.1, Items: date_published, date_modified", _dates),
        Rule("addresses", "JSON Feed 1.1, Top-level; Items", _addresses),
        Rule("attachments", "JSON Feed 1.1, Attachments", _attachments),
        Rule("names", "JSON Feed 1.1, Extensions", _names),
        Rule("texts", "RFC 4287, section 8.1, as readers hold it for JSON Feed too", _texts),
    ),
)
