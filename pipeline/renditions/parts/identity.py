"""Names that never change: what tells a feed's entries apart for ever.

A reader shows an entry again when its id changes, so the id may depend on nothing that an editor, a template or a
new canonical address can change. A `tag:` URI (RFC 4151) of the site's address and the article's id is unique in
the world and survives https, another port and every revision. A site that moves to another address sets
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
    """`tag:notes.example.org,2025:/articles/leg-spasticity`."""
    return f"{id_prefix(site)}/articles/{article_id}"


def feed_id(site: Site, feed: str) -> str:
    """`tag:notes.example.org,2025:/feeds/latest`."""
    return f"{id_prefix(site)}/feeds/{feed}"


def partner_feed_id(site: Site, channel: str) -> str:
    """`tag:notes.example.org,2025:/partners/partner-c/feed`: what a channel holds, as a feed."""
    return f"{id_prefix(site)}/partners/{channel}/feed"


def single_id(site: Site, article_id: str) -> str:
    """The id of the document that holds one article only; another than its entry's."""
    return f"{entry_id(site, article_id)}/feed"


def id_prefix(site: Site) -> str:
    """What every id of the site starts with."""
    if site.id_prefix:
        return site.id_prefix
    parts = urlsplit(uri(site.url))
    authority = re.sub(r"[^a-z0-9.-]", "-", parts.hostname or "localhost")  # all that a tag's authority may hold
    return f"tag:{authority},{_TAG_DATE}:{parts.path.rstrip('/')}"
