"""Ids of feeds and entries, which never change.

A reader shows an entry again when its id changes, so the id must not depend on anything that an editor, a template or
a new canonical address can change. A `tag:` URI (RFC 4151) of the site's address and the article's id is globally
unique and survives https, another port and every revision. A site that moves to another address sets
`Site.id_prefix` to what its ids began with before.

The tag's date is a constant, not the day of publication: correcting that day must not make a new entry.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pipeline.model.site import Site
from pipeline.renditions.parts.uri import uri

_TAG_DATE = "2025"


def entry_id(site: Site, article_id: str) -> str:
    """Return an entry's id: `tag:notes.example.org,2025:/articles/leg-spasticity`."""
    return f"{id_prefix(site)}/articles/{article_id}"


def feed_id(site: Site, feed: str) -> str:
    """Return a feed's id: `tag:notes.example.org,2025:/feeds/latest`."""
    return f"{id_prefix(site)}/feeds/{feed}"


def partner_feed_id(site: Site, channel: str) -> str:
    """`tag:notes.example.org,2025:/partners/partner-c/feed`: what a channel holds, as a feed."""
    return f"{id_prefix(site)}/partners/{channel}/feed"


def single_id(site: Site, article_id: str) -> str:
    """Return the id of a document with one article, which differs from its entry's id."""
    return f"{entry_id(site, article_id)}/feed"


def id_prefix(site: Site) -> str:
    """Return the beginning of every id of the site."""
    if site.id_prefix:
        return site.id_prefix
    parts = urlsplit(uri(site.url))
    authority = re.sub(r"[^a-z0-9.-]", "-", parts.hostname or "localhost")  # all that a tag's authority may hold
    return f"tag:{authority},{_TAG_DATE}:{parts.path.rstrip('/')}"
