"""What partners' ingestions read in RSS beside RSS itself, by the profile of the feed.

    msn         an item taken back has expired (`mi:expirationDate`, `dcterms:valid`) and a newer `dcterms:modified`
    smartnews   SmartFormat 2.1: `snf:logo`, `snf:darkModeLogo`, `snf:analytics`; an item taken back has the
                `media:status` deleted and a newer `pubDate`
    flipboard   nothing: it has no form for what was taken back

The rules for which entries a partner takes are in `pipeline/feeds/profiles.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from pipeline.model.moment import rfc3339
from pipeline.model.revision import Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.renditions.parts.feed_xml import Element, element, rss_date
from pipeline.renditions.parts.head import Head, withdrawn_title
from pipeline.renditions.parts.uri import uri

PREFIXES: Mapping[str, tuple[str, ...]] = {"msn": ("mi",), "smartnews": ("snf",)}  # namespaces
MSN_TITLE = (20, 150)  # characters: more than, at most
MSN_AGE = dt.timedelta(days=365)  # since publication, at most


class WithdrawnItems(Enum):
    """Whether a feed's RSS has items for withdrawn articles."""

    AS_READERS = auto()  # for as long as any feed shows them to readers
    ALWAYS = auto()  # the partner's ingestion reads them as an instruction
    NEVER = auto()


def channel_marks(feed: Feed, site: Site, head: Head) -> list[Element]:
    """Return the partner's elements of the channel."""
    if feed.profile != "smartnews":
        return []
    logos = {"snf:logo": site.logo, "snf:darkModeLogo": feed.dark_logo}
    date = [element("pubDate", rss_date(head.updated))] if head.updated else []
    return date + [element(name, None, element("url", uri(logo))) for name, logo in logos.items() if logo]


def entry_marks(feed: Feed) -> list[Element]:
    """Return the partner's elements of every live item."""
    if feed.profile != "smartnews":
        return []
    analytics = [element("snf:analytics", feed.analytics)] if feed.analytics else []
    return [element("media:status", state="active"), *analytics]


def withdrawn_items(feed: Feed) -> WithdrawnItems:
    match feed.profile:
        case "msn" | "smartnews":
            return WithdrawnItems.ALWAYS
        case "flipboard":  # it refuses an item with neither a long text nor an image
            return WithdrawnItems.NEVER
        case None:
            return WithdrawnItems.AS_READERS


def taken_back(feed: Feed, withdrawal: Withdrawal, extras: tuple[Element, ...]) -> dict[str, Any]:
    """Return the fields of the `Entry` that differ from those that readers are shown."""
    date = date_taken_back(feed, withdrawal)
    match feed.profile:
        case "smartnews":
            return {"published": date, "extras": (*extras, element("media:status", state="deleted"))}
        case "msn":
            marks = (*extras, expiration(withdrawal.withdrawn))
            return {"title": title_taken_back(feed, withdrawal), "published": date, "extras": marks}
    return {}


def title_taken_back(feed: Feed, withdrawal: Withdrawal) -> str:
    """Return the item's title, no longer than the partner allows."""
    return withdrawn_title(withdrawal, MSN_TITLE[1] if feed.profile == "msn" else None)


def date_taken_back(feed: Feed, withdrawal: Withdrawal) -> dt.datetime:
    """Return the item's `pubDate`: the withdrawal's where SmartNews asks for a newer one, or MSN's limit has passed."""
    at, published = withdrawal.withdrawn, withdrawal.published
    expired = feed.profile == "msn" and at - published > MSN_AGE
    return at if expired or feed.profile == "smartnews" else published


def expiration(at: dt.datetime) -> Element:
    return element("mi:expirationDate", rfc3339(at))
