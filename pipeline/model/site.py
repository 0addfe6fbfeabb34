"""The publisher's own facts, the same in every rendition."""

from __future__ import annotations

from msgspec import Struct


class Site(Struct, frozen=True, kw_only=True):
    title: str
    url: str  # absolute, without a trailing slash
    language: str = "en"
    publisher: str
    logo: str | None = None
    disclaimer: str
    hubs: tuple[str, ...] = ()  # WebSub hubs that feeds announce
    public_url: str | None = None  # where feeds and renditions are served, when that is not `url`
    feeds: tuple[Feed, ...] = ()  # those that an article's page announces to feed readers
    id_prefix: str | None = None  # of the ids in feeds; to be set to the former one when `url` changes

    def article_url(self, article_id: str) -> str:
        return f"{self.url}/articles/{article_id}"

    def rendition_url(self, article_id: str, extension: str) -> str:
        return f"{self.served}/articles/{article_id}.{extension}"

    def feed_url(self, feed_id: str, extension: str) -> str:
        return f"{self.served}/feeds/{feed_id}.{extension}"

    @property
    def served(self) -> str:
        return self.public_url or self.url


class Feed(Struct, frozen=True, kw_only=True):
    """What a feed says of itself and which articles it holds."""

    id: str
    title: str
    description: str | None = None
    topics: tuple[str, ...] = ()  # slugs; empty: every topic
    size: int = 50  # entries in the subscription document
