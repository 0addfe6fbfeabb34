"""The site's own pages, for people: `/` and `/articles`; and what browsers and crawlers ask each site for.

They list what the sitemap lists, so that publishing costs nothing more. While the sitemap shows every change, its
generation is the version of the pages, and who has them is answered before an article is read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import Request, Response

from pipeline.feeds import site_pages, sitemaps
from pipeline.feeds.site_pages import Linked
from pipeline.ledger import Transaction
from pipeline.ledger.articles import names
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.ledger.feeds import newest
from pipeline.ledger.feeds.newest import Cursor, Page
from pipeline.model.rendition import digest_of
from pipeline.stages.context import Context
from pipeline.stages.render.fingerprint import own_code
from pipeline.web.conditional import is_current, respond, tag_of
from pipeline.web.problems import Problem
from pipeline.web.public.feeds import listed_feeds
from pipeline.web.rooms import Room

_FIRST = 20  # articles on the front page
_PAGE = 50  # … and on a page of the list
_CHANGES = 5  # of the evidence, on the front page
_LONGEST = 128  # characters of an id or a topic
_HTML = "text/html"


def router(context: Context) -> Room:
    public, served = Room(), _Pages(context)
    routes: dict[str, Callable[[Request], Response]] = {
        "/": served.front,
        "/articles": served.articles,
        "/robots.txt": _document(site_pages.robots(context.site), "text/plain"),
        "/favicon.svg": _document(site_pages.icon(context.site), site_pages.ICON),
        "/favicon.ico": _document(site_pages.icon(context.site), site_pages.ICON),  # browsers go by the media type
    }
    for path, endpoint in routes.items():
        public.add_api_route(path, endpoint, methods=["GET", "HEAD"], include_in_schema=False)
    return public


class _Pages:
    """The handlers, and what all their pages share."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._feeds = listed_feeds(context)
        # The code, the templates and the words that write the pages, and the settings that each of them shows.
        self._form = digest_of(own_code().encode() + site_pages.front_page(context.site, [], self._feeds))

    def front(self, request: Request) -> Response:
        """Return the newest articles, the feeds and the newest changes of the evidence."""
        with self._context.ledger.read() as transaction:
            changes = evidence_changes.newest(transaction, limit=_CHANGES)
            version = self._version(transaction, "", changes[0].id if changes else 0)
            if version is not None and is_current(request, tag_of(version), None):
                return respond(request, b"", media_type=_HTML, digest=version, modified=None)
            page, named = self._read(transaction, topic=None, after=None, limit=_FIRST)
        site = self._context.site
        body = site_pages.front_page(
            site, self._linked(page, named), self._feeds, [site_pages.changed(site, one) for one in changes]
        )
        return respond(request, body, media_type=_HTML, digest=version or digest_of(body), modified=None)

    def articles(self, request: Request) -> Response:
        """Return a page of the list, of all articles or of one topic, the newest first."""
        topic, given = request.query_params.get("topic"), request.query_params.get("after")
        if len(topic or "") > _LONGEST:
            raise _no_page()
        after = _cursor(given) if given else None
        with self._context.ledger.read() as transaction:
            version = self._version(transaction, urlencode({"topic": topic or "", "after": given or ""}), 0)
            if version is not None and is_current(request, tag_of(version), None):
                return respond(request, b"", media_type=_HTML, digest=version, modified=None)
            page, named = self._read(transaction, topic=topic or None, after=after, limit=_PAGE)
        if topic and after is None and not page.entries and page.next is None:
            raise _no_page()
        body = site_pages.articles_page(
            self._context.site,
            self._linked(page, named),
            topic=topic or None,
            later=after is not None,
            older=self._older(page, topic),
        )
        return respond(request, body, media_type=_HTML, digest=version or digest_of(body), modified=None)

    def _version(self, transaction: Transaction, asked: str, change: int) -> str | None:
        """Return what stands for the bytes of a page; None while the sitemap does not show some change yet."""
        generation = newest.generation(transaction, sitemaps.ID)
        return None if generation is None else digest_of(f"{self._form} {generation} {change} {asked}".encode())

    def _read(
        self, transaction: Transaction, *, topic: str | None, after: Cursor | None, limit: int
    ) -> tuple[Page, dict[str, str]]:
        page = newest.page(transaction, sitemaps.ID, topic=topic, after=after, limit=limit)
        return page, names.shown_of(transaction, {one.article for one in page.entries})

    def _linked(self, page: Page, named: dict[str, str]) -> list[Linked]:
        found = (
            site_pages.linked(self._context.site, one, named.get(one.article, one.article)) for one in page.entries
        )
        return [one for one in found if one is not None]

    def _older(self, page: Page, topic: str | None) -> str | None:
        if page.next is None:
            return None
        asked = ({"topic": topic} if topic else {}) | {"after": _written(page.next)}
        return f"{self._context.site.served}/articles?{urlencode(asked)}"


def _document(body: bytes, media_type: str) -> Callable[[Request], Response]:
    digest = digest_of(body)

    def document(request: Request) -> Response:
        return respond(request, body, media_type=media_type, digest=digest, modified=None)

    return document


def _written(cursor: Cursor) -> str:
    return f"{cursor.published.isoformat()}~{cursor.article}"


def _cursor(text: str) -> Cursor:
    moment, _, article = text.partition("~")
    try:
        given = dt.datetime.fromisoformat(moment)
        published = given.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise _no_page() from None
    if given.tzinfo is None or not article or len(article) > _LONGEST:
        raise _no_page()
    return Cursor(published, article)


def _no_page() -> Problem:
    return Problem(404, "unknown-page", "the list of articles has no such page")
