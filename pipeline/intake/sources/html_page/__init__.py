"""An HTML page: JSON-LD first, then meta tags, then its text."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from readability import Document
from readability.readability import Unparseable

from pipeline.intake.assemble import assemble
from pipeline.intake.body.elements import take_out, text_in
from pipeline.intake.body.sanitise import parse
from pipeline.intake.decoding import decode
from pipeline.intake.fields import Fields
from pipeline.intake.fields.addresses import link_address
from pipeline.intake.fields.identifiers import MAX_REFERENCES, work_in
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.intake.sources.html_page.json_ld import fields_of
from pipeline.intake.sources.html_page.page_meta import meta_fields
from pipeline.model.reading import Read

MAX_FOR_EXTRACTOR = 1_000_000  # characters; a longer page without an article element gives its whole body

_NEVER_TEXT = (
    "script", "style", "template", "noscript", "nav", "form", "button", "iframe", "dialog", "title",
)  # fmt: skip


def read(file: SourceFile) -> Read:
    """Raises InvalidArticle. Addresses that are relative are resolved against the page's canonical one."""
    text = decode(file.data, file.name)
    try:
        tree = parse(text)
        fields = Fields(file.name, _page_fields(tree), lenient=True)
        base = _base(tree)
        html = etree.tostring(_text_of(tree), method="html", encoding="unicode", with_tail=False)
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("body", invalid) from invalid
    return assemble(fields, html, base=base)


def _page_fields(tree: etree._Element) -> dict[str, object]:
    scripts = (script.text or "" for script in tree.iter("script") if _is_json_ld(script))
    found: dict[str, object] = {**meta_fields(tree), **fields_of(scripts)}
    canonical = found.get("canonical")
    base = _base(tree) or (canonical if isinstance(canonical, str) else None)
    found["references"] = _references(found.get("references"))
    for name in ("canonical", "image"):
        found[name] = _resolved(found.get(name), base)
    for name in ("authors", "reviewers", "topics", "calls_to_action", "related"):
        entries = found.get(name)
        found[name] = [_resolved(entry, base, name) for entry in entries] if isinstance(entries, list) else entries
    return {name: value for name, value in found.items() if value}


def _references(entries: object) -> object:
    """Those that name a work, as addresses; a page may well cite a book by its title alone."""
    if not isinstance(entries, list):
        return None
    works = [entry if isinstance(entry, dict) else work_in(str(entry)) for entry in entries[: MAX_REFERENCES + 1]]
    return [work if isinstance(work, dict) else work.url for work in works if work is not None]


def _resolved(value: object, base: str | None, field: str = "") -> object:
    """With its address made absolute, or left out where it cannot be."""
    if isinstance(value, str):
        return (link_address(value, base) or "") if field in ("", "related") else value
    if not isinstance(value, dict) or "url" not in value:
        return value
    address = link_address(str(value["url"]), base)
    without = {key: entry for key, entry in value.items() if key != "url"}
    if address is None:
        return without if field else None
    return {**without, "url": address}


def _is_json_ld(script: etree._Element) -> bool:
    return (script.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json"


def _base(tree: etree._Element) -> str | None:
    canonical = (link.get("href") for link in tree.iter("link") if (link.get("rel") or "").lower() == "canonical")
    given = (base.get("href") for base in tree.iter("base"))
    addresses = (link_address(href) for href in (*given, *canonical) if href)
    return next((address for address in addresses if address), None)


def _text_of(tree: etree._Element) -> etree._Element:
    """The page's article: as it is marked, or else as the extractor finds it, or else the whole body."""
    for element in list(tree.iter(*_NEVER_TEXT)):
        take_out(element)
    for element in list(_hidden(tree)):
        take_out(element)
    for candidates in (_with_property(tree, "articlebody"), list(tree.iter("article")), list(tree.iter("main"))):
        if len(candidates) == 1:
            return _without_furniture(candidates[0])
    body = tree.find("body")
    return _extracted(tree, body if body is not None else tree)


def _with_property(tree: etree._Element, name: str) -> list[etree._Element]:
    return [e for e in tree.iter(etree.Element) if name in (e.get("itemprop") or "").lower().split()]


def _hidden(tree: etree._Element) -> Iterator[etree._Element]:
    for element in tree.iter(etree.Element):
        if element.get("hidden") is not None or element.get("aria-hidden") == "true":
            yield element


def _without_furniture(article: etree._Element) -> etree._Element:
    """Without the byline of its header, and without its footer: both are fields, where they are anything."""
    for footer in article.findall("footer"):
        take_out(footer)
    for header in article.findall("header"):
        for element in list(header.iter("time", "address", "p", "span", "div", "a")):
            names = f"{element.get('class') or ''} {element.get('rel') or ''} {element.get('itemprop') or ''}".lower()
            if element.tag in ("time", "address") or "byline" in names or "author" in names or "date" in names:
                take_out(element)
    return article


def _extracted(tree: etree._Element, body: etree._Element) -> etree._Element:
    html = etree.tostring(tree, method="html", encoding="unicode")
    if len(html) > MAX_FOR_EXTRACTOR:
        return body
    try:
        found = parse(Document(html).summary(html_partial=True))
    except (Unparseable, InvalidValue, etree.LxmlError):
        return body
    whole, kept = text_in(body), text_in(found)
    # On a short page the extractor may throw away what matters: then everything is kept.
    return found if len(kept) * 3 > len(whole) else body


SOURCE = SourceFormat("html", ("text/html", "application/xhtml+xml"), ("html", "htm", "xhtml"), read)
