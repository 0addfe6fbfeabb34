"""Apple News Format (developer.apple.com/documentation/applenewsformat): what Apple refuses an article for, or drops.

Quoted by the names of Apple's pages. What it takes beyond what we write is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from pipeline.judging.parts.json_object import JSON, Object, not_fit, not_texts, objects_in
from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import piece
from pipeline.judging.parts.values import is_link, is_rfc3339, is_web_address, quoted, repeated

MOST_KEYWORDS = 50
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VERSION = re.compile(r"1\.[0-9]+(?:\.[0-9]+)?")
_INLINE = frozenset({"a", "b", "br", "code", "del", "em", "i", "s", "samp", "span", "strong", "sub", "sup"})
_TEXT = _INLINE | frozenset({"aside", "blockquote", "div", "footer", "li", "ol", "p", "pre", "ul"})
_TABLE = _INLINE | frozenset({"table", "tbody", "td", "th", "tr"})  # a parser adds `tbody`
_NAMED = (("layout", "componentLayouts"), ("style", "componentStyles"), ("textStyle", "componentTextStyles"))
_DATES = ("dateCreated", "dateModified", "datePublished")


def _members(document: Object) -> Iterator[str]:
    yield from not_texts(document, "title", "language", called="the document")
    version = document.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield f"`version` is {quoted(version)}"
    if not any(objects_in(document, "components")):
        yield "there are no components"
    if not isinstance(document.get("componentTextStyles"), dict):
        yield "there are no `componentTextStyles`"
    layout = document.get("layout")
    for name in ("columns", "width"):
        size = layout.get(name) if isinstance(layout, dict) else None
        if not isinstance(size, int) or size < 1:
            yield f"the layout has no {name}"


def _identifier(document: Object) -> Iterator[str]:
    identifier = document.get("identifier", "")
    if not isinstance(identifier, str):
        yield f"it is no text: {quoted(identifier)}"
    elif not _IDENTIFIER.fullmatch(identifier):
        yield f"it is not 1 to 64 letters, digits, hyphens and underscores, but {len(identifier)}: {quoted(identifier)}"


def _components(document: Object) -> Iterator[str]:
    for component in _every(document):
        yield from not_texts(component, "role", called="a component")
        for name in ("text", "html"):
            if name in component:
                yield from not_texts(component, name, called=f"a component {quoted(component.get('role'))}")
        if "components" in component and not component["components"]:
            yield f"a component {quoted(component.get('role'))} is empty"


def _styles(document: Object) -> Iterator[str]:
    for component in _every(document):
        for name, defined in _NAMED:
            wanted, there = component.get(name), document.get(defined)
            if isinstance(wanted, str) and wanted not in (there if isinstance(there, dict) else {}):
                yield f"the {name} {quoted(wanted)} is not defined"


def _links(document: Object) -> Iterator[str]:
    identifiers = [one["identifier"] for one in _every(document) if "identifier" in one]
    yield from repeated(identifiers)
    known = {one for one in identifiers if isinstance(one, str)}
    for component in _every(document):
        for root in _markup(component):
            for link in map(str, root.xpath("//a/@href")):
                if link.startswith("#") and link[1:] not in known:
                    yield f"the link {quoted(link)} leads nowhere"
                elif not link.startswith("#") and not is_link(link):
                    yield f"the link {quoted(link)} is no address"


def _html(document: Object) -> Iterator[str]:
    for component in _every(document):
        allowed = _TABLE if component.get("role") == "htmltable" else _TEXT
        for root in _markup(component):
            for node in root.iterdescendants(etree.Element):
                if node.tag not in allowed:
                    yield f"the element {node.tag} in a component {quoted(component.get('role'))}"
                yield from (f"the attribute {quoted(name)}" for name in node.attrib if name.startswith("on"))


def _addresses(document: Object) -> Iterator[str]:
    for component in _every(document):
        yield from not_fit(component, ("URL",), is_link, "no address")
    yield from not_fit(_metadata(document), ("canonicalURL", "thumbnailURL"), is_web_address, "no address on the web")


def _about(document: Object) -> Iterator[str]:
    metadata = _metadata(document)
    yield from not_fit(metadata, _DATES, is_rfc3339, "no date of ISO 8601 with its zone")
    keywords = metadata.get("keywords")
    if isinstance(keywords, list) and len(keywords) > MOST_KEYWORDS:
        yield f"{len(keywords)} keywords, at most {MOST_KEYWORDS} are taken"


def _metadata(document: Object) -> Object:
    found = document.get("metadata")
    return found if isinstance(found, dict) else {}


def _every(document: Object) -> Iterator[Object]:
    """Yield the components, and those within others."""
    waiting = [document]
    while waiting:
        for component in objects_in(waiting.pop(), "components"):
            yield component
            waiting.append(component)


def _markup(component: Object) -> Iterator[Any]:
    """Yield what surrounds a component's HTML, if it has any."""
    text = component.get("html") if component.get("role") == "htmltable" else component.get("text")
    if isinstance(text, str) and (component.get("role") == "htmltable" or component.get("format") == "html"):
        yield piece(text)


JUDGE = Judge(
    "apple-news",
    JSON,
    (
        Rule("members", "Apple News Format, ArticleDocument; Layout", _members),
        Rule("identifier", "Apple News Format, ArticleDocument: identifier", _identifier),
        Rule("components", "Apple News Format, Component; Text", _components),
        Rule("styles", "Apple News Format, ArticleDocument: componentLayouts, -Styles and -TextStyles", _styles),
        Rule("links", "Apple News Format, Component: identifier; Using HTML with Apple News Format", _links),
        Rule("html", "Apple News Format, Using HTML with Apple News Format; Adding an HTML Table", _html),
        Rule("addresses", "Apple News Format, Photo, LinkButton and Metadata", _addresses),
        Rule("about", "Apple News Format, Metadata", _about),
    ),
)
