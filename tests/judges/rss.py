"""A profile of RSS: what validators and partners' ingestions ask for beside what readers put up with."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree, html

_NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
_CONTENT = f"{{{_NS['content']}}}encoded"
_FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "meta", "link"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def rss_findings(body: bytes) -> list[str]:
    """Return what a validator or a partner's ingestion would reject."""
    root = etree.fromstring(body, etree.XMLParser(huge_tree=True))
    return [
        *_channel_findings(root[0]),
        *(finding for item in root[0].findall("item") for finding in _item_findings(item)),
        *(finding for date in root.iter("pubDate", "lastBuildDate") for finding in _date_findings(date.text or "")),
        *(f"no absolute URI: {address!r}" for address in _addresses(root) if not _is_uri(address)),
    ]


def _channel_findings(channel: etree._Element) -> Iterator[str]:
    for name in ("title", "link", "description", "language"):
        if (count := len(channel.findall(name))) != 1:
            yield f"channel has {count} {name}"
    if (count := len(channel.findall("atom:link[@rel='self']", _NS))) != 1:
        yield f"{count} links to itself"
    guids = [item.findtext("guid") for item in channel.findall("item")]
    if len(set(guids)) != len(guids):
        yield "guids repeat"


def _item_findings(item: etree._Element) -> Iterator[str]:
    tags = [child.tag for child in item]
    for name in ("title", "link", "guid", "pubDate"):
        if tags.count(name) != 1:
            yield f"item has {tags.count(name)} {name}"
    if not item.findtext("description"):
        yield "an empty description"
    if _CONTENT in tags and tags.index("description") > tags.index(_CONTENT):
        yield "content before description"
    if "author" in tags or item.find("dc:creator", _NS) is None:
        yield "author is for addresses of email; dc:creator is missing"
    guid = item.find("guid")
    if guid is not None and guid.get("isPermaLink") != "false" and not (guid.text or "").startswith("http"):
        yield "a guid that is no address says that it is one"
    for enclosure in item.iter("enclosure"):
        yield from (f"enclosure without {name}" for name in ("url", "length", "type") if not enclosure.get(name))
    if text := item.findtext("content:encoded", namespaces=_NS):
        yield from _html_findings(text)


def _html_findings(text: str) -> Iterator[str]:
    for node in html.fragment_fromstring(text, create_parent=True).iter():
        if node.tag in _FORBIDDEN:
            yield f"element {node.tag}"
        for name, value in node.attrib.items():
            if str(name).startswith("on") or name == "style":
                yield f"attribute {name}"
            if name in ("href", "src") and not _is_uri(str(value)):
                yield f"no absolute URI in the text: {value!r}"


def _date_findings(date: str) -> Iterator[str]:
    """RFC 822 with the right weekday; Python's own reading forgives a wrong one."""
    moment = parsedate_to_datetime(date)
    again = f"{_DAYS[moment.weekday()]}, {moment:%d} {_MONTHS[moment.month - 1]} {moment.year:04} {moment:%H:%M:%S} GMT"
    if again != date:
        yield f"{date!r} is not {again!r}"


def _addresses(root: etree._Element) -> Iterator[str]:
    yield from (node.text or "" for node in root.iter("link"))
    yield from (str(node.get("href")) for node in root.iter(f"{{{_NS['atom']}}}link"))
    yield from (str(node.get("url")) for node in root.iter("enclosure", f"{{{_NS['media']}}}content"))


def _is_uri(address: str) -> bool:
    parts = urlsplit(address)
    return address.isascii() and " " not in address and parts.scheme in ("http", "https", "mailto")
