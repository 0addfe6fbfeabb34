"""Lists of a site's feeds: OPML for feed readers, and what the site's pages say of them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from pipeline.model.site import Feed, Site

LABELS = {"rss": "RSS", "atom": "Atom", "json-feed": "JSON Feed"}
_PREFERRED = ("atom", "rss")  # Atom reports withdrawals


class Address(Struct, frozen=True):
    """A feed in one of its formats."""

    format: str
    label: str
    media_type: str
    url: str


class Listed(Struct, frozen=True):
    feed: Feed
    addresses: tuple[Address, ...]

    @property
    def best(self) -> Address:
        """The address that a feed reader should subscribe to."""
        by_format = {address.format: address for address in self.addresses}
        return next((by_format[name] for name in _PREFERRED if name in by_format), self.addresses[0])


def address(site: Site, feed: Feed, *, format: str, media_type: str, extension: str) -> Address:
    return Address(format, LABELS.get(format, format), media_type, site.feed_url(feed.id, extension))


def opml(site: Site, feeds: Sequence[Listed]) -> bytes:
    """Return OPML 2.0 (opml.org/spec2.opml) with each feed once. Feed readers accept the type `rss` for Atom too."""
    outlines = [
        f"<outline type={quoteattr('rss')} text={quoteattr(one.feed.title)} title={quoteattr(one.feed.title)} "
        f"xmlUrl={quoteattr(one.best.url)} htmlUrl={quoteattr(site.url)}/>"
        for one in feeds
    ]
    head = f"<head><title>{escape(site.title)}</title><ownerName>{escape(site.publisher)}</ownerName></head>"
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">', head, "<body>", *outlines, "</body>"]
    return "\n".join([*parts, "</opml>", ""]).encode()
