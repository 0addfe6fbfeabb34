"""Sitemaps following sitemaps.org, and Google's sitemaps for news."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from pipeline.feeds.files import ROOT
from pipeline.model.moment import rfc3339
from pipeline.model.site import Site

ID = ":sitemap"  # its id among the ledger's feeds; no configured feed can have it
PAGE_SIZE = 1_000  # addresses per page: 50,000 are allowed, but a change rewrites a whole page
NEWS_SIZE = 1_000  # the maximum that Google reads
NEWS_DAYS = 2
INDEX = f"{ROOT}/sitemap.xml"
MEDIA_TYPE = "application/xml"

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


def page_path(number: int) -> str:
    """Return the path of a page in the rendition store."""
    return f"{ROOT}/sitemaps/{number}.xml"


def address_of(site: Site, article: str, canonical: str | None) -> str | None:
    """Return the public address of an article, or None if it is on another site, which lists it itself."""
    if canonical is None:
        return site.article_url(article)
    return canonical if urlsplit(canonical).netloc.lower() == urlsplit(site.url).netloc.lower() else None


def page(addresses: Iterable[tuple[str, dt.datetime]]) -> bytes:
    """Return a page, given the addresses and the time at which each last changed."""
    lines = [f"<url><loc>{escape(loc)}</loc><lastmod>{rfc3339(changed)}</lastmod></url>" for loc, changed in addresses]
    return _document(f'<urlset xmlns="{_SCHEMA}">', lines, "</urlset>")


def index(site: Site, pages: Iterable[tuple[int, dt.datetime]]) -> bytes:
    """Return the index, given the page numbers and the time at which each page last changed."""
    lines = [
        f"<sitemap><loc>{escape(f'{site.served}/sitemaps/{number}.xml')}</loc><lastmod>{rfc3339(at)}</lastmod></sitemap>"
        for number, at in pages
    ]
    return _document(f'<sitemapindex xmlns="{_SCHEMA}">', lines, "</sitemapindex>")


def news(site: Site, articles: Sequence[tuple[str, str, str, dt.datetime]]) -> bytes:
    """Return Google's news sitemap, given the address, title, language and publication date of each article."""
    lines = [
        f"<url><loc>{escape(loc)}</loc><news:news><news:publication><news:name>{escape(site.title)}</news:name>"
        f"<news:language>{escape(_news_language(language))}</news:language></news:publication>"
        f"<news:publication_date>{rfc3339(published)}</news:publication_date>"
        f"<news:title>{escape(title)}</news:title></news:news></url>"
        for loc, title, language, published in articles
    ]
    return _document(f'<urlset xmlns="{_SCHEMA}" xmlns:news="{_NEWS}">', lines, "</urlset>")


def _document(start: str, lines: Sequence[str], end: str) -> bytes:
    return "\n".join([_HEAD + start, *lines, end, ""]).encode()


def _news_language(language: str) -> str:
    """Return an ISO 639 code of two or three letters; only Chinese keeps its region."""
    primary, _, region = language.lower().partition("-")
    if primary == "zh":
        return "zh-tw" if region in ("tw", "hant") else "zh-cn"
    return primary
