"""RSS 2.0 (rssboard.org/rss-specification): what readers refuse, show twice or date wrongly. Quoted by its headings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from lxml import etree

from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import unfit
from pipeline.judging.parts.values import is_rfc822, is_web_address, quoted, repeated
from pipeline.judging.parts.xml import XML, not_once, text_of
from pipeline.model.words import count

Element = etree._Element
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


def _root(root: Element) -> Iterator[str]:
    if root.tag != "rss" or root.get("version") != "2.0":
        yield f"it is no <rss version='2.0'>, but {quoted(str(root.tag))}"
    if (channels := len(root.findall("channel"))) != 1:
        yield f"{channels} channels"


def _channel(root: Element) -> Iterator[str]:
    for channel in root.iterfind("channel"):
        yield from not_once(channel, "title", "link", "description", called="the channel")


def _items(root: Element) -> Iterator[str]:
    for item in root.iterfind("channel/item"):
        if not text_of(item.find("title")) and not text_of(item.find("description")):
            yield f"an item has neither a title nor a description: {quoted(text_of(item.find('guid')))}"


def _guids(root: Element) -> Iterator[str]:
    guids = root.findall("channel/item/guid")
    yield from repeated(map(text_of, guids))
    missing = sum(item.find("guid") is None for item in root.iterfind("channel/item"))
    if missing:
        yield f"{count(missing, 'item')} without a guid, which readers show again at each change"
    for guid in guids:
        if guid.get("isPermaLink") != "false" and not is_web_address(text_of(guid)):
            yield f"the guid {quoted(text_of(guid))} is no address, and does not say so"


def _dates(root: Element) -> Iterator[str]:
    for date in root.iter("pubDate", "lastBuildDate"):
        if not is_rfc822(text_of(date)):
            yield f"{date.tag} is no date of RFC 822: {quoted(text_of(date))}"


def _addresses(root: Element) -> Iterator[str]:
    found = chain(root.iterfind("channel/link"), root.iterfind("channel/item/link"), root.iterfind("channel/image/*"))
    for node in found:
        if node.tag in ("link", "url") and not is_web_address(text_of(node)):
            yield f"the {node.tag} {quoted(text_of(node))} leads nowhere"


def _enclosures(root: Element) -> Iterator[str]:
    for enclosure in root.iterfind("channel/item/enclosure"):
        if not is_web_address(enclosure.get("url")):
            yield f"an enclosure's url leads nowhere: {quoted(enclosure.get('url'))}"
        if not (enclosure.get("length") or "").isdecimal():
            yield f"an enclosure's length is no number of bytes: {quoted(enclosure.get('length'))}"
        if "/" not in (enclosure.get("type") or ""):
            yield f"an enclosure's type is no media type: {quoted(enclosure.get('type'))}"


def _authors(root: Element) -> Iterator[str]:
    for author in root.iterfind("channel/item/author"):
        if "@" not in text_of(author):
            yield f"an author is no address for mail: {quoted(text_of(author))}"


def _texts(root: Element) -> Iterator[str]:
    texts = chain(root.iterfind("channel/item/description"), root.iterfind(f"channel/item/{_CONTENT}"))
    yield from unfit(map(text_of, texts))


JUDGE = Judge(
    "rss",
    XML,
    (
        Rule("root", "RSS 2.0, What is RSS?", _root),
        Rule("channel", "RSS 2.0, Required channel elements", _channel),
        Rule("items", "RSS 2.0, Elements of <item>", _items),
        Rule("guids", "RSS 2.0, <guid>", _guids),
        Rule("dates", "RSS 2.0, <pubDate>; RFC 822, section 5", _dates),
        Rule("addresses", "RSS 2.0, Comments: link and url begin with a registered scheme", _addresses),
        Rule("enclosures", "RSS 2.0, <enclosure>", _enclosures),
        Rule("authors", "RSS 2.0, <author>", _authors),
        Rule("texts", "RFC 4287, section 8.1, as readers hold it for RSS too", _texts),
    ),
)
