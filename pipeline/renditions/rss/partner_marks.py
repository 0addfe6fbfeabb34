"""What partners' ingestions read in RSS beside RSS itself, by the profile of the feed.

    msn         an item taken back has expired (`mi:expirationDate`, `dcterms:valid`) and a newer `dcterms:modified`
    smartnews   SmartFormat 2.1: `snf:logo`, `snf:darkModeLogo`, `snf:analytics`; an item taken back has the
                `media:status` deleted and a newer `pubDate`
    flipboard   nothing: it has no form for what was taken back

What an entry must be to be let in stands in `pipeline/feeds/profiles.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pipeline.model.site import Feed, Site
from pipeline.renditions.parts.feed_xml import Element, element, rss_date
from pipeline.renditions.parts.head import Head
from pipeline.renditions.parts.uri import uri

PREFIXES: Mapping[str, tuple[str, ...]] = {"msn": ("mi",), "smartnews": ("snf",)}  # namespaces


def channel_marks(feed: Feed, site: Site, head: Head) -> list[Element]:
    """What stands in the channel."""
    if feed.profile != "smartnews":
        return []
    logos = {"snf:logo": site.logo, "snf:darkModeLogo": feed.dark_logo}
    date = [element("pubDate", rss_date(head.updated))] if head.updated else []
    return date + [element(name, None, element("url", uri(logo))) for name, logo in logos.items() if logo]


def entry_marks(feed: Feed) -> list[Element]:
    """What stands in every item that is live."""
    if feed.profile != "smartnews":
        return []
    analytics = [element("snf:analytics", feed.analytics)] if feed.analytics else []
    return [element("media:status", state="active"), *analytics]


def tells(feed: Feed) -> bool:
    """Whether the partner's ingestion understands an item that was taken back."""
    return feed.profile in ("msn", "smartnews")


def taken_back(feed: Feed, at: dt.datetime, extras: tuple[Element, ...]) -> dict[str, Any]:
    """The fields of the `Entry` that differ from those of the tombstone of one article."""
    if feed.profile == "smartnews":
        return {"published": at, "extras": (*extras, element("media:status", state="deleted"))}
    return {}
