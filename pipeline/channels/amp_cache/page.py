"""Determine which revision a page shows. Caches modify pages, so their copies cannot be compared byte for byte."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any

import lxml.html
import msgspec
from lxml import etree
from msgspec import Struct

from pipeline.model.delivery import Parcel

_LINE, _PARAGRAPH = "\x01", "\x02"  # breaks, until adjacent ones have been merged
# fmt: off
_PARAGRAPHS = frozenset([
    "address", "article", "aside", "blockquote", "details", "dl", "div", "figure", "footer", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "main", "ol", "p", "pre", "section", "table", "ul",
])
_LINES = frozenset(["br", "caption", "dd", "dt", "figcaption", "li", "summary", "tr"])
_UNSEEN = frozenset([
    "button", "form", "head", "iframe", "nav", "noscript", "script", "select", "style", "svg", "template",
])
# fmt: on


def parsed(html: bytes) -> Any | None:
    """Return the document's root, or None if there is none, as in an empty body."""
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return lxml.html.document_fromstring(html, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def plain_text(root: Any | None) -> str:
    """Return what a reader sees, without menus: an empty line between paragraphs, each link followed by its address."""
    if root is None:
        return ""
    pieces: list[str] = []
    _write(root, pieces)
    blocks = re.split(r"((?:[\x01\x02]\s*)+)", "".join(pieces))
    return "".join(_joined(blocks)).strip()


def modified(root: Any | None) -> dt.datetime | None:
    """Return the time of the revision from `article:modified_time`, which a cache leaves unchanged."""
    found = [] if root is None else root.xpath('//meta[@property="article:modified_time"]/@content')
    try:
        moment = dt.datetime.fromisoformat(str(found[0]))
    except (IndexError, ValueError):
        return None
    return moment if moment.tzinfo else None


class _Item(Struct, frozen=True):
    """An item of JSON Feed. The `content_text` of a tombstone is the reason for the withdrawal."""

    date_modified: dt.datetime
    content_text: str = ""


class _Feed(Struct, frozen=True):
    items: tuple[_Item, ...]


_feed = msgspec.json.Decoder(_Feed)


def same_or_newer(cached: bytes, parcel: Parcel) -> bool:
    """Return whether a cache's copy shows the parcel's revision or a later one.

    Pages give the time of their revision; a tombstone has none, and is known by its reason.
    """
    item, there = _feed.decode(parcel.also["json-feed"].body).items[0], parsed(cached)
    theirs = modified(there)
    if theirs is not None:
        return theirs >= item.date_modified
    return parcel.event == "withdrawn" and _words(item.content_text) in _words(plain_text(there))


def _words(text: str) -> str:
    return " ".join(text.split())


def _joined(blocks: Sequence[str]) -> Iterator[str]:
    """Yield text and the break after it in turn; of several breaks in one place the strongest counts."""
    for position, block in enumerate(blocks):
        if position % 2:
            yield "\n\n" if _PARAGRAPH in block else "\n"
        else:
            yield " ".join(block.split())


def _write(element: Any, pieces: list[str]) -> None:
    """Recurse as deep as the document, which the parser limits to 256 levels."""
    tag = element.tag
    if tag in _UNSEEN:
        return
    around = _PARAGRAPH if tag in _PARAGRAPHS else _LINE if tag in _LINES else ""
    pieces.append(around + ("- " if tag == "li" else ""))
    pieces.append(_squeezed(element.text) or (_squeezed(element.get("alt")) if tag in ("img", "amp-img") else ""))
    for child in element:
        _write(child, pieces)
        pieces.append(_squeezed(child.tail))
    pieces.append(_address(element) if tag == "a" else " | " if tag in ("td", "th") and _has_next(element) else around)


def _squeezed(text: str | None) -> str:
    return re.sub(r"[\x00-\x1f]", " ", text or "")


def _address(link: Any) -> str:
    href = link.get("href") or ""
    label = "".join(link.itertext()).strip()
    return f" <{href}>" if href.startswith(("https://", "http://")) and href != label else ""


def _has_next(cell: Any) -> bool:
    return cell.getnext() is not None
