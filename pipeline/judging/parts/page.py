"""HTML: pages, and pieces of it in other documents. What would run, and what has no place in an article's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from lxml import etree, html

from pipeline.judging.parts.judge import Reading, Rule, Unreadable
from pipeline.judging.parts.text import TEXT
from pipeline.judging.parts.values import is_web_address, quoted, repeated

DATA_BLOCKS = frozenset({"application/ld+json", "application/json", "text/plain"})  # of `script`: they do not run
_DOCTYPE = re.compile(r"\s*<!doctype html>", re.IGNORECASE)
_RUNS = re.compile(r"[\x00-\x20]*(?:javascript|vbscript)\s*:", re.IGNORECASE)
_ADDRESSES = ("href", "src", "action", "formaction", "poster", "data")
_UNFIT = (
    *("script", "style", "iframe", "frame", "frameset", "object", "embed", "applet"),
    *("form", "base", "meta", "link"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """`root` is lxml's element: Any, because what `xpath` gives depends on its expression."""

    root: Any
    text: str

    @property
    def head(self) -> Any:
        return self.root.find("head")


def _read(body: bytes) -> Page:
    text = TEXT.read(body)
    if "\0" in text:
        raise Unreadable("it has the character U+0000, at which some readers end")
    try:
        root = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
    except etree.LxmlError as error:
        raise Unreadable(str(error)) from error
    if root.tag != "html" or root.find("body") is None:
        raise Unreadable("it has no body")
    return Page(root, text)


PAGE = Reading("html", "HTML, sections 13.1 and 13.2", _read)


def piece(text: str) -> Any:
    """Return the body of a page with this HTML and nothing else."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    root = html.document_fromstring(f"<body>{text}</body>".encode("utf-8", "replace"), parser=parser)
    body = root.find("body")
    return root if body is None else body


def runs(root: Any) -> Iterator[str]:
    """Say what would run: scripts, and attributes that hold one."""
    for script in root.iter("script"):
        if script.get("type") not in DATA_BLOCKS:
            yield f"a script: {quoted(script.get('src') or script.text or '')}"
    yield from attributes_that_run(root)


def attributes_that_run(root: Any) -> Iterator[str]:
    for node in root.iter(etree.Element):
        for name, value in node.attrib.items():
            if name.startswith("on") and name != "on":
                yield f"the attribute {quoted(name)} of {node.tag}"
            elif name in _ADDRESSES and _RUNS.match(value):
                yield f"an address that runs: {quoted(value)}"


def unfit(texts: Iterable[str]) -> Iterator[str]:
    """Say what pieces of HTML have that readers of feeds hold for unsafe (RFC 4287, section 8.1), or refuse."""
    for root in map(piece, texts):
        yield from (f"the element {node.tag}" for node in root.iter(*_UNFIT))
        yield from attributes_that_run(root)


# --- rules of all pages --------------------------------------------------------------------------------------------


def _doctype(page: Page) -> Iterator[str]:
    if not _DOCTYPE.match(page.text):
        yield f"it begins with {quoted(page.text[:40])}, so that browsers show it in quirks mode"


def _title(page: Page) -> Iterator[str]:
    found = page.root.xpath("/html/head/title")
    if len(found) != 1:
        yield f"{len(found)} titles in the head"
    elif not found[0].text_content().strip():
        yield "the title is empty"


def _language(page: Page) -> Iterator[str]:
    if not page.root.get("lang"):
        yield "<html> has no lang: a screen reader reads it in its own language"


def _heading(page: Page) -> Iterator[str]:
    found = page.root.xpath("//h1")
    if len(found) != 1:
        yield f"{len(found)} headings h1"
    elif not found[0].text_content().strip():
        yield "the heading h1 is empty"


def _ids(page: Page) -> Iterator[str]:
    yield from repeated(page.root.xpath("//@id"))


def _anchors(page: Page) -> Iterator[str]:
    ids = set(page.root.xpath("//@id"))
    for link in page.root.xpath("//a/@href[starts-with(., '#')]"):
        if link != "#" and not {link[1:], unquote(link[1:])} & ids:
            yield f"the link {quoted(link)} leads nowhere"


def _canonical(page: Page) -> Iterator[str]:
    found = page.root.xpath("//link[@rel='canonical']/@href")
    if len(found) != 1:
        yield f"{len(found)} canonical addresses"
    yield from (f"the canonical address is not absolute: {quoted(one)}" for one in found if not is_web_address(one))


OF_PAGES: tuple[Rule[Page], ...] = (
    Rule("doctype", "HTML, section 13.1.1", _doctype),
    Rule("title", "HTML, section 4.2.2", _title),
    Rule("language", "WCAG 2.2, criterion 3.1.1", _language),
    Rule("one-heading", "Citewire: a page is one article; HTML, section 4.3.11", _heading),
    Rule("ids", "HTML, section 3.2.6", _ids),
    Rule("anchors", "HTML, section 7.4.6.4: scrolling to a fragment", _anchors),
    Rule("canonical", "RFC 6596, section 3", _canonical),
)
