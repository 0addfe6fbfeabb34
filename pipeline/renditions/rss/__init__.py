"""RSS 2.0, with Dublin Core, Media RSS and the whole text in `content:encoded`.

`guid` never changes, `pubDate` only when its author corrects it; `dcterms:modified` and `atom:updated` change with
every revision. RSS has no form for a withdrawal: the item's text says so, and MSN's ingestion reads an expiration that
has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lxml import etree

from pipeline.model.article import Article, Image
from pipeline.model.moment import rfc3339
from pipeline.model.rendition import SUBSCRIPTION, Format, Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.renditions.parts.content import content_html, former_url, page_url
from pipeline.renditions.parts.dates import dates_of
from pipeline.renditions.parts.feed_xml import Element, Entry, element, rss_item, size_of, write_rss
from pipeline.renditions.parts.head import (
    article_head,
    feed_head,
    withdrawal_head,
    withdrawn_title,
)
from pipeline.renditions.parts.identity import entry_id
from pipeline.renditions.parts.kept import Kept
from pipeline.renditions.parts.media import media_type_of
from pipeline.renditions.parts.people import name_text
from pipeline.renditions.parts.text import escape
from pipeline.renditions.parts.topics import categories
from pipeline.renditions.parts.uri import uri
from pipeline.renditions.parts.withdrawn_entry import Entries, shown, withdrawn_html
from pipeline.renditions.rss.partner_marks import (
    PREFIXES,
    WithdrawnItems,
    channel_marks,
    entry_marks,
    expiration,
    taken_back,
    withdrawn_items,
)

_PREFIXES = ("dc", "dcterms", "media")
_lately: Kept[Element] = Kept(4_000_000, size=size_of)  # bytes: about two hundred articles


def render(revision: Revision, site: Site) -> bytes:
    item = rss_item(_entry(revision, site))
    return write_rss(article_head(revision, site, "rss"), [item], prefixes=_PREFIXES)


def document(feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site) -> bytes:
    """Write the subscription document."""
    return page(feed, revisions, site, SUBSCRIPTION)


def page(feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site, place: Page) -> bytes:
    """Write one of the feed's pages (RFC 5005), with what the ingestion of its partner reads."""
    head = feed_head(feed, revisions, site, "rss", place)
    items = [
        rss_item(_withdrawn(feed, entry, site)) if isinstance(entry, Withdrawal) else _kept_item(feed, entry, site)
        for entry in _shown(feed, revisions, site, place)
    ]
    extras, prefixes = channel_marks(feed, site, head), (*_PREFIXES, *PREFIXES.get(feed.profile or "", ()))
    return write_rss(head, items, extras=extras, prefixes=prefixes)


def _kept_item(feed: Feed, revision: Revision, site: Site) -> Element:
    """Return an item, which each build of a feed contains again, and other feeds with the same marks too."""
    full, marks = feed.content == "full", entry_marks(feed)
    written = tuple(map(etree.tostring, marks))
    return _lately.of(revision, lambda: rss_item(_entry(revision, site, full=full, more=marks)), site, full, written)


def _shown(feed: Feed, revisions: Entries, site: Site, place: Page) -> Entries:
    match withdrawn_items(feed):
        case WithdrawnItems.ALWAYS:
            return revisions
        case WithdrawnItems.NEVER:
            return [one for one in revisions if isinstance(one, Revision)]
        case WithdrawnItems.AS_READERS:
            return shown(revisions, site, place)


def _withdrawn(feed: Feed, withdrawal: Withdrawal, site: Site) -> Entry:
    entry = replace(_gone(withdrawal, site), content=withdrawn_html(withdrawal))
    return replace(entry, **taken_back(feed, withdrawal, entry.extras))


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Write the item that replaces the article's: the reason as its text, expired at the time of the withdrawal."""
    head = withdrawal_head(withdrawal, site, "rss")
    entry = _gone(withdrawal, site)
    extras = (*entry.extras, expiration(withdrawal.withdrawn))
    return write_rss(head, [rss_item(replace(entry, extras=extras))], prefixes=("dc", "dcterms", "mi"))


def _gone(withdrawal: Withdrawal, site: Site) -> Entry:
    at = rfc3339(withdrawal.withdrawn)
    return Entry(
        id=entry_id(site, withdrawal.article_id),
        title=withdrawn_title(withdrawal),
        link=former_url(withdrawal, site),
        summary=escape(withdrawal.reason),
        content=None,
        language=withdrawal.language,
        published=withdrawal.published,
        updated=withdrawal.withdrawn,
        extras=(
            element("dc:creator", site.publisher),
            element("dcterms:modified", at),
            element("atom:updated", at),
            element("dcterms:valid", f"end={at}; scheme=W3C-DTF"),  # DCMI Period Encoding Scheme
        ),
    )


def _entry(revision: Revision, site: Site, *, full: bool = True, more: Iterable[Element] = ()) -> Entry:
    article, dates = revision.article, dates_of(revision)
    return Entry(
        id=entry_id(site, article.id),
        title=article.title,
        link=uri(page_url(article, site)),
        summary=escape(article.answer),
        content=content_html(revision, site) if full else None,
        language=article.language,
        published=dates.published,
        updated=dates.updated,
        categories=categories(article),
        extras=(
            *_people(article, site),
            element("dc:language", article.language),
            element("dcterms:modified", rfc3339(dates.updated)),
            element("atom:updated", rfc3339(dates.updated)),
            *(_image(article.image) if article.image else ()),
            *more,
        ),
    )


def _people(article: Article, site: Site) -> Iterator[Element]:
    """`author` would need an address of email; dc:creator takes a name."""
    for name in map(name_text, article.authors):
        yield element("dc:creator", name)
    if not article.authors:
        yield element("dc:creator", site.publisher)
    for name in map(name_text, article.reviewers):
        yield element("dc:contributor", name)


def _image(image: Image) -> Iterator[Element]:
    """An enclosure, which old readers know, and media:content, which says more. Its length is not known: 0."""
    url, media_type = uri(image.src), media_type_of(image.src)
    if media_type:
        yield element("enclosure", url=url, length=0, type=media_type)
    parts = [element("media:description", image.alt, type="plain")] if image.alt else []
    if image.credit:
        parts.append(element("media:credit", image.credit))
    size = {"width": image.width, "height": image.height}
    yield element("media:content", None, *parts, url=url, medium="image", type=media_type, **size)


FORMAT = Format("rss", "application/rss+xml", "rss", render, tombstone, document, page)
