"""A typed interface to feedgen. All workarounds for faults of its release 1.0.0 are here.

- Dates are written under `locale.setlocale`, which affects the whole process: `rss_date` replaces that function.
- `updated` and `lastBuildDate` default to the clock: both are always set, or taken out.
- Links of Atom entries lose rel, type and title: they are written as extras.
- A feed's link is the last one given, whatever its rel: the alternate is given last.
- RSS has no hub links: `_Extension` writes them.
- `type="CDATA"` is written literally in Atom, so `html` is used there.
- Control characters raise ValueError: every string passes through `clean`.
- Entries are put before the others: `order="append"`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

import feedgen.entry
import feedgen.feed
from lxml import etree

from pipeline.model.moment import utc
from pipeline.renditions.parts.head import Head
from pipeline.renditions.parts.text import clean
from pipeline.renditions.parts.topics import Category

Element = etree._Element

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "fh": "http://purl.org/syndication/history/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "mi": "http://schemas.ingestion.microsoft.com/common/",
    "snf": "http://www.smartnews.be/snf",
}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NODE = 200  # bytes of memory that an element takes, about
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Entry:
    """An entry. `summary` is HTML in RSS and text in Atom, `content` HTML in both; `extras` are appended unchanged."""

    id: str
    title: str
    link: str
    summary: str
    content: str | None
    language: str
    published: dt.datetime
    updated: dt.datetime
    categories: tuple[Category, ...] = ()
    extras: tuple[Element, ...] = ()


def element(name: str, text: str | None = None, *children: Element, **attributes: str | int | None) -> Element:
    """`element("dc:creator", "Jane")`. In an Atom feed a name without a prefix is Atom's.

    Attributes that are None are left out; `lang` is `xml:lang`.
    """
    prefix, _, local = name.rpartition(":")
    node = etree.Element(f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local)
    node.text = None if text is None else clean(text)
    for key, value in attributes.items():
        if value is not None:
            node.set(XML_LANG if key == "lang" else key, clean(str(value)))
    node.extend(children)
    return node


def rss_item(entry: Entry) -> Element:
    """Return the item of an entry, as often as feeds contain it."""
    item = _entry(entry)
    item.link(href=clean(entry.link), rel="alternate")
    item.description(clean(entry.summary), isSummary=True)
    item.pubDate(utc(entry.published))
    if entry.content is not None:
        item.content(clean(entry.content), type="CDATA")
    made: Element = item.rss_entry()
    return made


def atom_entry(entry: Entry) -> Element:
    """Return the `entry` of an entry, as often as feeds contain it."""
    item = _entry(entry)
    item.extras.language = entry.language
    item.summary(clean(entry.summary), type="text")
    item.published(utc(entry.published))
    item.content(clean(entry.content or ""), type="html")
    item.extras.bare = entry.content is None
    made: Element = item.atom_entry()
    return made


def size_of(made: Element) -> int:
    """Return about how many bytes of memory an item or entry takes."""
    return sum(_NODE + len(node.text or "") for node in made.iter())


def write_rss(
    head: Head, items: Iterable[Element], *, extras: Iterable[Element] = (), prefixes: Iterable[str] = ()
) -> bytes:
    """Write RSS 2.0 in UTF-8 with copies of the items in the given order. `extras` precede them in the channel.

    `prefixes`: of the namespaces that extras use, those of items included.
    """
    feed = _feed(head, prefixes, [*_links(head, "atom:link"), *extras])
    feed.link(href=clean(head.address), rel="self", type="application/rss+xml")
    feed.link(href=clean(head.home), rel="alternate")
    if head.updated is None:
        feed._FeedGenerator__rss_lastBuildDate = None  # its setter takes nothing for a question
    for item in items:
        feed.add_entry(_Made(item), order="append")
    return bytes(feed.rss_str())


def write_atom(
    head: Head, entries: Iterable[Element], *, extras: Iterable[Element] = (), prefixes: Iterable[str] = ()
) -> bytes:
    """Write Atom (RFC 4287) in UTF-8 with copies of the entries in the given order. `extras` precede them in the feed.

    `prefixes`: of the namespaces that extras use, those of entries included.
    """
    feed = _feed(head, prefixes, [*_links(head, "link"), *extras])
    feed.author(name=clean(head.author))
    feed.link(href=clean(head.address), rel="self", type="application/atom+xml")
    feed.link(href=clean(head.home), rel="alternate", type="text/html")
    for entry in entries:
        feed.add_entry(_Made(entry), order="append")
    return bytes(feed.atom_str())


def _links(head: Head, name: str) -> Iterator[Element]:
    """Return the links to hubs (WebSub) and other pages, and the mark of an archive page (RFC 5005, section 4)."""
    for hub in head.hubs:
        yield element(name, rel="hub", href=hub)
    for relation, address in head.links:
        yield element(name, rel=relation, href=address)
    if head.archive:
        yield element("fh:archive")


def _feed(head: Head, prefixes: Iterable[str], extras: Iterable[Element]) -> Any:
    feed = feedgen.feed.FeedGenerator()
    feed.register_extension("extras", _Extension, _Extension)
    feed.extras.elements = extras
    feed.extras.prefixes = (*prefixes, "fh") if head.archive else prefixes
    feed.id(clean(head.id))
    feed.title(clean(head.title))
    feed.subtitle(clean(head.description))
    feed.language(clean(head.language))
    feed.updated(utc(head.updated or _NEVER))
    feed.generator("Citewire")
    if head.logo:
        feed.logo(clean(head.logo))
    return feed


def _entry(entry: Entry) -> Any:
    item = feedgen.entry.FeedEntry()
    item.register_extension("extras", _Extension)
    item.extras.elements = entry.extras
    item.guid(clean(entry.id), permalink=False)
    item.title(clean(entry.title))
    item.updated(utc(entry.updated))
    for term, label, scheme in entry.categories:
        item.category({"term": clean(term), "label": clean(label)} | ({"scheme": scheme} if scheme else {}))
    return item


class _Made:
    """An entry for feedgen that has been made already."""

    def __init__(self, made: Element) -> None:
        self._made = made

    def register_extension(self, *_: object) -> None:
        """Do nothing: extensions were applied when it was made."""

    def rss_entry(self) -> Element:
        return deepcopy(self._made)

    atom_entry = rss_entry


class _Extension:
    """feedgen's hook for what it cannot write itself. The elements are appended unchanged."""

    def __init__(self) -> None:
        self.elements: Iterable[Element] = ()
        self.prefixes: Iterable[str] = ()
        self.language: str | None = None
        self.bare = False  # of an entry: without content, which feedgen does not let go

    def extend_ns(self) -> dict[str, str]:
        return {prefix: NAMESPACES[prefix] for prefix in self.prefixes}

    def extend_rss(self, node: Element) -> None:
        (node[0] if node.tag == "rss" else node).extend(self.elements)  # a feed's extension is handed the root

    def extend_atom(self, node: Element) -> None:
        node.extend(self.elements)
        if self.bare:
            node.remove(next(child for child in node if child.tag == "content"))
        if self.language:
            node.set(XML_LANG, clean(self.language))


def rss_date(moment: dt.datetime) -> str:
    """Return an RFC 822 date as RSS requires: English names in every locale, four-digit year, GMT."""
    return format_datetime(utc(moment), usegmt=True)


feedgen.feed.formatRFC2822 = rss_date
feedgen.entry.formatRFC2822 = rss_date
