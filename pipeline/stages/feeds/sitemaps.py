"""The sitemap: built like a feed, in pages whose entries never move.

A change rewrites the article's page and the index.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping

import msgspec

from pipeline.feeds import sitemaps
from pipeline.feeds.sitemaps import ID
from pipeline.ledger import feeds
from pipeline.ledger.articles import names
from pipeline.ledger.feeds import pages as feed_pages
from pipeline.ledger.feeds import places
from pipeline.ledger.feeds.layout import Candidate
from pipeline.ledger.feeds.pages import Entry, Recent
from pipeline.model.rendition import digest_of
from pipeline.stages.context import Context
from pipeline.stages.feeds import files as feed_files
from pipeline.stages.stage import Claim

_FORMAT = "sitemap"
_INDEX = 0  # the page number of the index
_ARTICLES = 2000  # placed in one transaction
_PAGES = 10  # written in one build


def build(context: Context, claim: Claim) -> bool:
    """Build the sitemap; return whether every page is built."""
    _follow_settings(context, claim)
    while _place_changes(context, claim):
        pass
    with context.ledger.read() as transaction:
        pages = feed_pages.stale(transaction, ID, limit=_PAGES + 1, sealed_only=False)
    for number in pages[:_PAGES]:
        _page(context, claim, number)
    _index(context, claim)
    return len(pages) <= _PAGES


def news(context: Context) -> bytes:
    """Return the news sitemap: the articles of the last two days."""
    since = context.clock() - dt.timedelta(days=sitemaps.NEWS_DAYS)
    with context.ledger.read() as transaction:
        found = feed_pages.recent(transaction, ID, since=since, limit=sitemaps.NEWS_SIZE)
        named = names.shown_of(transaction, {one.article for one in found})
    placed = [(_address(context, named, one), one) for one in found]
    return sitemaps.news(context.site, [(loc, one.title, one.language, one.published) for loc, one in placed if loc])


def _follow_settings(context: Context, claim: Claim) -> None:
    shape = digest_of(msgspec.json.encode((context.site.url, context.site.served, sitemaps.PAGE_SIZE)))
    with context.ledger.read() as transaction:
        if feeds.shape_of(transaction, ID) == shape:
            return
    with context.ledger.write() as transaction:
        feed_files.renew_lease(context, transaction, claim)
        feeds.set_shape(transaction, ID, shape)
        feeds.all_changed(transaction, ID)
        feed_pages.make_stale(transaction, ID)


def _place_changes(context: Context, claim: Claim) -> bool:
    with context.ledger.write() as transaction:
        feed_files.renew_lease(context, transaction, claim)
        seen = feeds.changes(transaction, ID, limit=_ARTICLES)
        found = places.candidates(transaction, seen, canonical=True)
        by_article = {one.article: one if _listed(context, one) else None for one in found}
        places.apply(transaction, ID, by_article, size=sitemaps.PAGE_SIZE, moving=False)
        feeds.mark_processed(transaction, ID, seen)
    return len(seen) == _ARTICLES


def _listed(context: Context, one: Candidate) -> bool:
    return one.state == "live" and sitemaps.address_of(context.site, one.article, one.canonical) is not None


def _page(context: Context, claim: Claim, number: int) -> None:
    with context.ledger.read() as transaction:
        entries = sorted(feed_pages.entries_of(transaction, ID, number))
        named = names.shown_of(transaction, {one.article for one in entries})
    placed = [(_address(context, named, one), one.updated) for one in entries]
    body = sitemaps.page((loc, updated) for loc, updated in placed if loc)
    _keep(context, claim, number, sitemaps.page_path(number), body)


def _address(context: Context, named: Mapping[str, str], one: Entry | Recent) -> str | None:
    return sitemaps.address_of(context.site, named.get(one.article, one.article), one.canonical)


def _index(context: Context, claim: Claim) -> None:
    with context.ledger.read() as transaction:
        pages = [page for page in feed_pages.built_pages(transaction, ID, _FORMAT) if page[0] != _INDEX]
    _keep(context, claim, _INDEX, sitemaps.INDEX, sitemaps.index(context.site, pages))


def _keep(context: Context, claim: Claim, number: int, path: str, body: bytes) -> None:
    with context.ledger.read() as transaction:
        before = feed_pages.page_documents(transaction, ID, number)
    begin = functools.partial(feed_pages.begin_page, feed_id=ID, page=number)
    written = feed_files.put(context, claim, {_FORMAT: path}, {_FORMAT: body}, before, begin)
    with context.ledger.write() as transaction:
        feed_files.renew_lease(context, transaction, claim)
        feed_pages.keep_page(transaction, ID, number, written)
