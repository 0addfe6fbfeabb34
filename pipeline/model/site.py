"""Facts about the publisher, the same in every rendition, and what each feed contains."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from msgspec import Struct

Profile = Literal["msn", "smartnews", "flipboard"]  # partners whose ingestion requires more than plain RSS


class Site(Struct, frozen=True, kw_only=True):
    title: str
    url: str  # absolute, without a trailing slash
    language: str = "en"
    publisher: str
    logo: str | None = None
    disclaimer: str
    hubs: tuple[str, ...] = ()  # WebSub hubs that feeds announce
    public_url: str | None = None  # where feeds and renditions are served, if not at `url`
    feeds: tuple[Feed, ...] = ()  # the feeds that article pages announce to feed readers
    own_hub: bool = True  # whether our own hub is served
    id_prefix: str | None = None  # of the ids in feeds; set it to the former `url` when `url` changes
    tombstone_days: int = 30  # how long feeds show that an article was withdrawn; 0: not at all

    def article_url(self, article_id: str) -> str:
        return f"{self.url}/articles/{article_id}"

    def rendition_url(self, article_id: str, extension: str) -> str:
        return f"{self.served}/articles/{article_id}.{extension}"

    def feed_url(self, feed_id: str, extension: str) -> str:
        return f"{self.served}/feeds/{feed_id}.{extension}"

    def archive_url(self, feed_id: str, number: int, extension: str) -> str:
        """Return the address of an archive page (RFC 5005, section 4), counted from 1, the oldest."""
        return f"{self.served}/feeds/{feed_id}/archive/{number}.{extension}"

    def partner_feed_url(self, channel: str, extension: str) -> str:
        """Return the address of a partner's own feed, without the token that it requires."""
        return f"{self.served}/partners/{channel}/feed.{extension}"

    @property
    def served(self) -> str:
        return self.public_url or self.url

    @property
    def feed_hubs(self) -> tuple[str, ...]:
        """The hubs that feeds announce: those in the settings, or our own if they name none."""
        return self.hubs or ((self.hub_url,) if self.own_hub else ())

    @property
    def hub_url(self) -> str:
        return f"{self.served}/hub"


class Feed(Struct, frozen=True, kw_only=True):
    """A feed's description, and the rules for which articles it contains."""

    id: str
    title: str
    description: str | None = None
    topics: tuple[str, ...] = ()  # slugs; empty: every topic
    without_topics: tuple[str, ...] = ()  # articles with one of these are left out
    language: str | None = None  # BCP 47; `en` includes `en-GB`; None: every language
    formats: tuple[str, ...] = ()  # names of feed formats; empty: all, or RSS alone for a partner's profile
    size: int = 50  # entries in the subscription document and in each archive page
    content: Literal["full", "summary"] = "full"
    order: Literal["updated", "published"] = "updated"  # of the entries, newest first
    profile: Profile | None = None
    dark_logo: str | None = None  # address of a logo for dark backgrounds (SmartNews)
    analytics: str | None = None  # markup that SmartNews shows with each article

    def holds(self, topics: Collection[str], language: str) -> bool:
        """Return whether an article with these topics and this language belongs in the feed."""
        matches = not self.topics or not frozenset(self.topics).isdisjoint(topics)
        return matches and frozenset(self.without_topics).isdisjoint(topics) and self._speaks(language)

    def _speaks(self, language: str) -> bool:
        """Compare languages by the basic filtering of RFC 4647, section 3.3.1."""
        if self.language is None:
            return True
        own, spoken = self.language.lower(), language.lower()
        return spoken == own or spoken.startswith(f"{own}-")

    def built_in(self, format: str) -> bool:
        """Return whether the feed is built in a format. With a partner's profile, RSS is the default."""
        return format in (self.formats or (("rss",) if self.profile else (format,)))
