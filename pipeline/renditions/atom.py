"""Atom (RFC 4287). A withdrawal is an `at:deleted-entry` (RFC 6721) and, for readers that ignore it, an entry too."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from pipeline.model.article import Article, Person
from pipeline.model.moment import rfc3339
from pipeline.model.rendition import SUBSCRIPTION, Format, Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.renditions.parts.content import content_html, former_url, page_url
from pipeline.renditions.parts.dates import dates_of
from pipeline.renditions.parts.feed_xml import Element, Entry, atom_entry, element, size_of, write_atom
from pipeline.renditions.parts.head import article_head, feed_head, withdrawal_head, withdrawn, withdrawn_title
from pipeline.renditions.parts.identity import entry_id
from pipeline.renditions.parts.kept import Kept
from pipeline.renditions.parts.media import media_type_of
from pipeline.renditions.parts.people import name_text
from pipeline.renditions.parts.topics import categories
from pipeline.renditions.parts.uri import address, uri
from pipeline.renditions.parts.withdrawn_entry import shown, withdrawn_html

_lately: Kept[Element] = Kept(4_000_000, size=size_of)  # bytes: about two hundred articles


def render(revision: Revision, site: Site) -> bytes:
    return write_atom(article_head(revision, site, "atom"), [atom_entry(_entry(revision, site))])


def document(feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site) -> bytes:
    """Write the subscription document."""
    return page(feed, revisions, site, SUBSCRIPTION)


def page(feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site, place: Page) -> bytes:
    """Write one of the feed's pages (RFC 5005). Every withdrawal among the entries is an `at:deleted-entry`."""
    full = feed.content == "full"
    return write_atom(
        feed_head(feed, revisions, site, "atom", place),
        [
            atom_entry(_withdrawn(entry, site))
            if isinstance(entry, Withdrawal)
            else _lately.of(entry, functools.partial(_made, entry, site, full), site, full)
            for entry in shown(revisions, site, place)
        ],
        extras=[_deleted(withdrawal, site) for withdrawal in withdrawn(revisions)],
        prefixes=("at",),
    )


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Write a feed that contains only the deletion of the entry."""
    head = withdrawal_head(withdrawal, site, "atom")
    return write_atom(head, (), extras=[_deleted(withdrawal, site)], prefixes=("at",))


def _deleted(withdrawal: Withdrawal, site: Site) -> Element:
    """Return the `at:deleted-entry` (RFC 6721, section 3)."""
    link = former_url(withdrawal, site)
    return element(
        "at:deleted-entry",
        None,
        element("at:by", None, element("name", site.publisher)),
        element("at:comment", withdrawal.reason, type="text", lang=withdrawal.language),
        element("link", rel="alternate", href=link, type="text/html", title=withdrawal.title),
        ref=entry_id(site, withdrawal.article_id),
        when=rfc3339(withdrawal.withdrawn),
    )


def _withdrawn(withdrawal: Withdrawal, site: Site) -> Entry:
    """Return an entry no newer than its `at:deleted-entry`, which therefore deletes it where RFC 6721 is known."""
    link = former_url(withdrawal, site)
    return Entry(
        id=entry_id(site, withdrawal.article_id),
        title=withdrawn_title(withdrawal),
        link=link,
        summary=withdrawal.reason,
        content=withdrawn_html(withdrawal),
        language=withdrawal.language,
        published=withdrawal.published,
        updated=withdrawal.withdrawn,
        extras=(
            element("link", rel="alternate", href=link, type="text/html"),
            element("author", None, element("name", site.publisher)),
        ),
    )


def _made(revision: Revision, site: Site, full: bool) -> Element:
    return atom_entry(_entry(revision, site, full=full))


def _entry(revision: Revision, site: Site, *, full: bool = True) -> Entry:
    article, dates = revision.article, dates_of(revision)
    return Entry(
        id=entry_id(site, article.id),
        title=article.title,
        link=uri(page_url(article, site)),
        summary=article.answer,
        content=content_html(revision, site) if full else None,
        language=article.language,
        published=dates.published,
        updated=dates.updated,
        categories=categories(article),
        extras=(*_links(article, site), *_people(article, site)),
    )


def _links(article: Article, site: Site) -> Iterator[Element]:
    page = uri(page_url(article, site))
    yield element("link", rel="alternate", href=page, type="text/html", hreflang=article.language)
    for related in article.related:
        yield element("link", rel="related", href=uri(related.url), title=related.title)
    if article.image:
        image = article.image
        yield element("link", rel="enclosure", href=uri(image.src), type=media_type_of(image.src))
    if licence := address(article.licence):
        yield element("link", rel="license", href=licence)  # RFC 4946


def _people(article: Article, site: Site) -> Iterator[Element]:
    for author in article.authors:
        yield _person("author", author)
    if not article.authors:
        yield element("author", None, element("name", site.publisher))
    for reviewer in article.reviewers:
        yield _person("contributor", reviewer)


def _person(name: str, person: Person) -> Element:
    parts = [element("name", name_text(person))]
    if link := address(person.url):
        parts.append(element("uri", link))
    return element(name, None, *parts)


FORMAT = Format("atom", "application/atom+xml", "atom", render, tombstone, document, page)
