"""Apple News by a schema of its types, and by what types cannot say: names, links, HTML, empty texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

# Apple, "Using HTML with Apple News Format" and "Adding an HTML Table": restated here independently of the code.
_INLINE = {"a", "strong", "b", "em", "i", "sup", "sub", "del", "s", "code", "samp", "br", "span"}
_TEXT = _INLINE | {"p", "ul", "ol", "li", "blockquote", "pre", "footer", "aside", "div"}
_TABLE = _INLINE | {"table", "tr", "th", "td"}
_ATTRIBUTES = {("a", "href"), ("td", "colspan"), ("td", "rowspan"), ("th", "colspan"), ("th", "rowspan")}
_IMAGES = {"jpg", "jpeg", "png", "gif", "webp"}

Document = dict[str, Any]


@cache
def _schema() -> Any:
    return Draft7Validator(json.loads((Path(__file__).parent / "schemas" / "apple-news.json").read_text()))


def apple_news_findings(body: bytes) -> list[str]:
    document = json.loads(body)
    if errors := [f"{error.json_path}: {error.message}" for error in _schema().iter_errors(document)]:
        return errors
    every = list(components(document))
    identifiers = [component["identifier"] for component in every if "identifier" in component]
    found = [] if len(set(identifiers)) == len(identifiers) else ["identifiers repeat"]
    if every[0]["role"] != "title":
        found.append("the title does not stand first")
    for component in every:
        findings = (*_name_findings(document, component), *_part_findings(component, identifiers))
        found += [f"{component['role']}: {finding}" for finding in findings]
    return found


def components(document: Document) -> Iterator[Document]:
    """Those within others too."""
    waiting = list(document["components"])
    while waiting:
        component = waiting.pop(0)
        yield component
        waiting += component.get("components", [])


def _name_findings(document: Document, component: Document) -> Iterator[str]:
    for key, defined in (
        ("layout", {*document["componentLayouts"], "inherit"}),
        ("textStyle", {*document["componentTextStyles"], None}),
        ("style", {*document["componentStyles"], None}),
    ):
        if component.get(key) not in defined:
            yield f"{key} {component.get(key)!r} is not defined"


def _part_findings(component: Document, identifiers: list[str]) -> Iterator[str]:
    if not component.get("text", "x").strip() or not component.get("components", ["x"]):
        yield "is empty"
    if component["role"] == "photo":
        name = component["URL"].split("#")[0].split("?")[0].rsplit("/", 1)[-1]
        if "." in name and name.rsplit(".", 1)[-1].lower() not in _IMAGES:
            yield f"a picture of a kind that Apple does not show: {name}"
    if component["role"] == "htmltable":
        table = component["html"]
        if not (table.startswith("<table>") and table.endswith("</table>")):
            yield "no table"
        yield from _Markup(table, _TABLE).findings(identifiers)
    elif component.get("format") == "html":
        yield from _Markup(component["text"], _TEXT).findings(identifiers)


class _Markup(HTMLParser):
    """Reads HTML as strictly as it was written."""

    def __init__(self, html: str, allowed: set[str]) -> None:
        super().__init__()
        self._allowed = allowed
        self._open: list[str] = []
        self._links: list[str] = []
        self._found: list[str] = []
        self.feed(html)
        self.close()

    def findings(self, identifiers: list[str]) -> Iterator[str]:
        yield from self._found
        yield from (f"{tag} is not closed" for tag in self._open)
        for link in self._links:
            if link.startswith("#"):
                if link[1:] not in identifiers:
                    yield f"{link} leads nowhere"
            elif not link.startswith(("https://", "http://", "mailto:")):
                yield f"{link!r} is no address"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._allowed:
            self._found.append(f"element {tag}")
        self._found += [f"attribute {name} of {tag}" for name, _ in attrs if (tag, name) not in _ATTRIBUTES]
        self._links += [value or "" for name, value in attrs if name == "href"]
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self._found.append(f"{tag} is closed out of its order")

    def handle_comment(self, data: str) -> None:
        self._found.append(f"a comment: {data}")
