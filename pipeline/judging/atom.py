"""Atom (RFC 4287) and its deletions (RFC 6721): what readers refuse, show twice or date wrongly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import unfit
from pipeline.judging.parts.values import is_rfc3339, is_uri, quoted, repeated
from pipeline.judging.parts.xml import XML, not_once, text_of

Element = etree._Element
_A = "{http://www.w3.org/2005/Atom}"
_AT = "{http://purl.org/atompub/tombstones/1.0}"
_TEXT_TYPES = (None, "text", "html", "xhtml")


def _root(root: Element) -> Iterator[str]:
    if root.tag != f"{_A}feed":
        yield f"it is no feed of Atom, but {quoted(str(root.tag))}"


def _feed(root: Element) -> Iterator[str]:
    yield from not_once(root, f"{_A}id", f"{_A}title", f"{_A}updated", called="the feed")


def _entries(root: Element) -> Iterator[str]:
    for entry in root.iterfind(f"{_A}entry"):
        name = f"the entry {quoted(text_of(entry.find(f'{_A}id')))}"
        yield from not_once(entry, f"{_A}id", f"{_A}title", f"{_A}updated", called=name)


def _ids(root: Element) -> Iterator[str]:
    ids = [text_of(node) for node in root.iter(f"{_A}id")]
    yield from (f"the id {quoted(id)} is no absolute IRI" for id in ids if not is_uri(id))
    yield from repeated(ids)


def _dates(root: Element) -> Iterator[str]:
    for date in root.iter(f"{_A}updated", f"{_A}published"):
        if not is_rfc3339(text_of(date)):
            yield f"{etree.QName(date).localname} is no date of RFC 3339: {quoted(text_of(date))}"


def _authors(root: Element) -> Iterator[str]:
    entries = root.findall(f"{_A}entry")
    if root.find(f"{_A}author") is None and not (
        entries and all(one.find(f"{_A}author") is not None for one in entries)
    ):
        yield "neither the feed nor each of its entries has an author"
    for person in root.iter(f"{_A}author", f"{_A}contributor"):
        yield from not_once(person, f"{_A}name", called=etree.QName(person).localname)


def _links(root: Element) -> Iterator[str]:
    for holder in (root, *root.iterfind(f"{_A}entry")):
        links = holder.findall(f"{_A}link")
        yield from (f"a link leads nowhere: {quoted(one.get('href'))}" for one in links if not is_uri(one.get("href")))
        alternates = [one for one in links if one.get("rel", "alternate") == "alternate"]
        kinds = Counter((one.get("type"), one.get("hreflang")) for one in alternates)
        if any(count > 1 for count in kinds.values()):
            yield "several alternates of one type and language"
        if not alternates and holder is not root and holder.find(f"{_A}content") is None:
            yield f"an entry has neither content nor an alternate: {quoted(text_of(holder.find(f'{_A}id')))}"


def _texts(root: Element) -> Iterator[str]:
    for node in root.iter(f"{_A}title", f"{_A}subtitle", f"{_A}summary", f"{_A}rights"):
        if node.get("type") not in _TEXT_TYPES:
            yield f"the type of a {etree.QName(node).localname} is {quoted(node.get('type'))}"
    for node in root.iter(f"{_A}content"):
        kind = node.get("type")
        if kind not in _TEXT_TYPES and "/" not in str(kind):
            yield f"the type of a content is {quoted(kind)}"
    html = [one for one in root.iter(f"{_A}content", f"{_A}summary") if one.get("type") == "html"]
    yield from unfit(map(text_of, html))


def _deletions(root: Element) -> Iterator[str]:
    for deleted in root.iterfind(f"{_AT}deleted-entry"):
        if not is_uri(deleted.get("ref")):
            yield f"a deletion names no entry: {quoted(deleted.get('ref'))}"
        if not is_rfc3339(deleted.get("when")):
            yield f"a deletion has no date of RFC 3339: {quoted(deleted.get('when'))}"


JUDGE = Judge(
    "atom",
    XML,
    (
        Rule("root", "RFC 4287, section 4.1.1", _root),
        Rule("feed", "RFC 4287, section 4.1.1", _feed),
        Rule("entries", "RFC 4287, section 4.1.2", _entries),
        Rule("ids", "RFC 4287, sections 4.1.1 and 4.2.6", _ids),
        Rule("dates", "RFC 4287, section 3.3", _dates),
        Rule("authors", "RFC 4287, sections 3.2.1, 4.1.1 and 4.1.2", _authors),
        Rule("links", "RFC 4287, sections 4.1.1, 4.1.2 and 4.2.7", _links),
        Rule("texts", "RFC 4287, sections 3.1.1, 4.1.3.1 and 8.1", _texts),
        Rule("deletions", "RFC 6721, section 3", _deletions),
    ),
)
