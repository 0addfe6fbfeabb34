"""Feeds, sitemaps and lists of feeds: files of the rendition store, and documents made from the settings.

/feeds/{id}.{rss,atom,json}               the subscription document
/feeds/{id}/archive/{n}.{rss,atom,json}   an archive page (RFC 5005)
/feeds  /feeds.opml                       the feeds, for people and for feed readers
/sitemap.xml  /sitemaps/{n}.xml           /sitemap-news.xml
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.feeds import listing, site_pages, sitemaps
from pipeline.feeds.files import feed_path
from pipeline.feeds.listing import Listed
from pipeline.ledger import feeds
from pipeline.ledger.feeds import pages as feed_pages
from pipeline.model.rendition import Format, digest_of
from pipeline.model.site import Feed
from pipeline.stages.context import Context
from pipeline.stages.feeds import sitemaps as sitemap_stage
from pipeline.stages.feeds.files import formats_of
from pipeline.web.conditional import respond
from pipeline.web.openapi.answers import Responses, document, operation, problems
from pipeline.web.problems import Problem
from pipeline.web.public.files import ANYWHERE, PREFLIGHT, Files
from pipeline.web.public.readers import FeedReaders
from pipeline.web.rooms import Room

_AGAIN = {"Retry-After": "2"}


def described(context: Context) -> dict[str, Any]:
    """Return the OpenAPI description of these routes."""
    media_types = {one.media_type for one in context.formats.values() if one.document is not None}
    feed = {"feed": "latest"}
    built = document(media_types, "The feed.") | problems(404)
    sitemap = document([sitemaps.MEDIA_TYPE], "The sitemap.") | problems(404)
    page = document(["text/html"], "The page.") | problems()
    opml = document(["text/x-opml"], "The list.") | problems()
    moved: Responses = {307: {"description": "The page is not full yet: it is the feed itself."}}
    tag = "feeds"
    return {
        "/feeds/{name}": operation(
            "get_feed",
            "Return the newest entries of a feed.",
            tag=tag,
            responses=built,
            parameters={"name": "latest.rss"},
        ),
        "/feeds/{feed}/archive/{name}": operation(
            "get_feed_page",
            "Return an older page of a feed (RFC 5005).",
            tag=tag,
            responses=built | moved,
            parameters=feed | {"name": "1.rss"},
        ),
        "/feeds": operation("get_feeds", "Return a page with the feeds, for people.", tag=tag, responses=page),
        "/feeds.opml": operation("get_feeds_opml", "Return the feeds as OPML.", tag=tag, responses=opml),
        "/sitemap.xml": operation("get_sitemap", "Return the sitemap.", tag=tag, responses=sitemap),
        "/sitemaps/{name}": operation(
            "get_sitemap_page",
            "Return a page of the sitemap.",
            tag=tag,
            responses=sitemap,
            parameters={"name": "1.xml"},
        ),
        "/sitemap-news.xml": operation(
            "get_news_sitemap", "Return the articles of the last two days.", tag=tag, responses=sitemap
        ),
    }


def router(context: Context, readers: FeedReaders) -> Room:
    public, served = Room(), _Feeds(context, readers)
    routes: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/feeds/{name}": served.newest,
        "/feeds/{feed}/archive/{name}": served.archive,
        "/feeds": served.page,
        "/feeds.opml": served.opml,
        "/sitemap.xml": served.sitemap,
        "/sitemaps/{name}": served.sitemap_page,
        "/sitemap-news.xml": served.news,
    }
    for path, endpoint in routes.items():
        public.add_route(path, endpoint, methods=["GET", "HEAD"], include_in_schema=False)
        public.add_route(path, _preflight, methods=["OPTIONS"], include_in_schema=False)
    return public


class _Feeds:
    """The handlers, and the files and feed formats that they share."""

    def __init__(self, context: Context, readers: FeedReaders) -> None:
        self.context = context
        self.readers = readers
        self.files = Files(context.store)
        self.formats = {id: {one.extension: one for one in formats_of(context, f)} for id, f in context.feeds.items()}
        self.listed = listed_feeds(context)
        self.documents = {
            "page": site_pages.subscribe_page(context.site, self.listed),
            "opml": listing.opml(context.site, self.listed),
        }
        self.started = context.clock()

    async def newest(self, request: Request) -> Response:
        name = request.path_params["name"]
        feed_id, _, extension = name.rpartition(".")
        format = self._format(feed_id, extension)
        site = self.context.site
        links = [_link(site.feed_url(feed_id, extension), "self"), *(_link(hub, "hub") for hub in site.feed_hubs)]
        headers = ANYWHERE | {"Link": ", ".join(links)}
        path = feed_path(feed_id, extension)
        answer = await self.files.answer(request, path, media_type=format.media_type, headers=headers)
        if answer is None:
            await run_in_threadpool(self._have_built, feed_id)
            raise Problem(503, "feed-not-built", "the feed is not built yet", _AGAIN)
        if request.method == "GET":  # archive pages are not counted: who reads them reads this too
            self.readers.count(feed_id, format.name, request.headers.get("user-agent"))
        return answer

    async def archive(self, request: Request) -> Response:
        feed, name = request.path_params["feed"], request.path_params["name"]
        stem, _, extension = name.rpartition(".")
        format = self._format(feed, extension)
        number = _number(stem)
        if number is None:
            raise Problem(404, "unknown-page", f"the feed has no page {stem!r}")
        own = self.context.site.archive_url(feed, number, extension)
        current = self.context.site.feed_url(feed, extension)
        headers = ANYWHERE | {"Link": f"{_link(own, 'self')}, {_link(current, 'current')}"}
        path = feed_path(feed, extension, number)
        answer = await self.files.answer(request, path, media_type=format.media_type, headers=headers)
        if answer is None:
            return await run_in_threadpool(self._no_page, feed, number, current)
        return answer

    async def page(self, request: Request) -> Response:
        return self._document(request, "page", "text/html")

    async def opml(self, request: Request) -> Response:
        return self._document(request, "opml", "text/x-opml")

    async def sitemap(self, request: Request) -> Response:
        return await self._sitemap(request, sitemaps.INDEX)

    async def sitemap_page(self, request: Request) -> Response:
        name = request.path_params["name"]
        stem, _, extension = name.rpartition(".")
        number = _number(stem) if extension == "xml" else None
        if number is None:
            raise Problem(404, "unknown-page", f"the sitemap has no page {name!r}")
        return await self._sitemap(request, sitemaps.page_path(number))

    async def news(self, request: Request) -> Response:
        body = await run_in_threadpool(sitemap_stage.news, self.context)
        # It also changes when entries become too old, so it has no modification time, only a tag.
        return respond(request, body, media_type=sitemaps.MEDIA_TYPE, digest=digest_of(body), modified=None)

    async def _sitemap(self, request: Request, path: str) -> Response:
        answer = await self.files.answer(request, path, media_type=sitemaps.MEDIA_TYPE, headers={})
        if answer is not None:
            return answer
        if path != sitemaps.INDEX and self.context.store.file_state(sitemaps.INDEX) is not None:
            raise Problem(404, "unknown-page", "the sitemap has no such page")
        await run_in_threadpool(self._have_built, sitemaps.ID)
        raise Problem(503, "feed-not-built", "the sitemap is not built yet", _AGAIN)

    def _document(self, request: Request, name: str, media_type: str) -> Response:
        body = self.documents[name]
        return respond(request, body, media_type=media_type, digest=digest_of(body), modified=self.started)

    def _format(self, feed_id: str, extension: str) -> Format:
        format = self.formats.get(feed_id, {}).get(extension)
        if format is None:
            raise Problem(404, "unknown-feed", f"no feed {f'{feed_id}.{extension}'!r} is known", dict(ANYWHERE))
        return format

    def _no_page(self, feed_id: str, number: int, current: str) -> Response:
        """Redirect to the feed for the page after the newest sealed one; otherwise schedule the missing page."""
        with self.context.ledger.read() as transaction:
            newest = feed_pages.newest_sealed(transaction, feed_id) or 0
        if number == newest + 1:
            return RedirectResponse(current, status_code=307, headers=ANYWHERE | {"Cache-Control": "no-cache"})
        if number > newest:
            raise Problem(404, "unknown-page", f"the feed has no page {number}")
        with self.context.ledger.write() as transaction:
            feed_pages.make_page_stale(transaction, feed_id, number)
        self._have_built(feed_id)
        raise Problem(503, "feed-not-built", "the page is not built yet", _AGAIN)

    def _have_built(self, feed_id: str) -> None:
        with self.context.ledger.write() as transaction:
            feeds.make_due(transaction, [feed_id], now=self.context.clock())
        self.context.doorbell.ring("feeds")


async def _preflight(_: Request) -> Response:
    """Answer the preflight that browsers send before another site's script may send conditional headers."""
    return Response(status_code=204, headers=PREFLIGHT)


def listed_feeds(context: Context) -> list[Listed]:
    """Return the feeds that anyone may follow, with their addresses."""
    return [Listed(feed, _addresses(context, feed)) for feed in context.feeds.values() if formats_of(context, feed)]


def _addresses(context: Context, feed: Feed) -> tuple[listing.Address, ...]:
    return tuple(
        listing.address(
            context.site, feed, format=format.name, media_type=format.media_type, extension=format.extension
        )
        for format in formats_of(context, feed)
    )


def _number(text: str) -> int | None:
    """Return the number of a page: decimal digits, from 1, without leading zeros."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 and text[0] != "0" else None


def _link(address: str, relation: str) -> str:
    return f'<{address}>; rel="{relation}"'
