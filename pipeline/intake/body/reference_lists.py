"""The references that a body gives itself: its lists, whatever they look like, its footnotes, and links in its text.

A list begins below a heading, or a line in bold, that announces it, and ends before the next heading. Its entries are
the items of lists, the rows of tables, the descriptions of definition lists, paragraphs, or lines. An introduction to a
list is not an entry. A list that is recognised is taken out of the body, since references are shown apart; the rest
stays.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from lxml import etree

from pipeline.intake.body.elements import take_out, text_in
from pipeline.intake.body.reference_headings import is_certain, is_possible
from pipeline.intake.fields.entries import Entry, entries_in
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.works_in_text import works_in

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LIKE_HEADINGS = ("p", "div", "summary", "dt", "caption", "legend", "strong", "b")
_LISTS = frozenset({"ol", "ul", "dl", "table"})
_WRAPPERS = frozenset({"div", "section", "article", "aside", "details", "footer", "blockquote", "main", "center"})
_IN_HEADINGS = frozenset({"strong", "b", "em", "u", "span", "br"})
_NUMBERED = re.compile(r"\s*(?:\[\d{1,4}\]|\(?\d{1,4}[.)]|\^)\s*\S")
_NEXT_NUMBER = re.compile(r"\n\s*(?=(?:\[\d{1,4}\]|\d{1,4}[.)])\s)")
_PAPERS = frozenset({"pmid", "pmcid", "doi", "nbk"})
_LONGEST_ENTRY = 3_000  # characters: a longer one is prose
_MOST_STEPS = 500_000  # elements and lines that are looked at below all headings together


@dataclass(frozen=True, eq=False)
class _Item:
    """An element of a list, or a line of a paragraph, with what it links to."""

    text: str
    links: tuple[str, ...]
    element: etree._Element
    listed: bool  # an item of a list, not a paragraph

    @cached_property
    def entries(self) -> list[Entry]:
        return entries_in(self.text, self.links)

    @cached_property
    def names_paper(self) -> bool:
        return any(work.scheme in _PAPERS for one in self.entries for work in (one.work, *one.cited_as.also))


def listed_references(body: etree._Element) -> tuple[tuple[Entry, ...], ...]:
    """Take the lists of references out of the body; return the works of each entry.

    Raises InvalidValue `article-too-complex` if many headings announce a list and have the same text below them.
    """
    found: list[tuple[Entry, ...]] = []
    read: dict[etree._Element, list[_Item]] = {}  # what is below one heading is often below the next one too
    steps = 0
    headings = _headings(body)
    announcing = set(headings)
    for heading in headings:
        if not _is_within(heading, body):
            continue  # taken out with an earlier list
        parts = list(_below(heading, body, announcing))
        for part in parts:
            if part not in read:
                read[part] = list(_items(part))
        below = [item for part in parts for item in read[part]]
        steps += len(parts) + len(below)
        if steps > _MOST_STEPS:
            raise _too_complex()
        items = _entries_of(below, certain=is_certain(text_in(heading)))
        if items:
            found += [tuple(entries) for item in items if (entries := item.entries)]
            _take_out(heading, parts, items)
            read.clear()
    return tuple(found)


def _too_complex() -> InvalidValue:
    return InvalidValue(
        "too many headings announce references above the same text", code="article-too-complex", hint="divide it"
    )


def mentioned_references(body: etree._Element) -> tuple[Entry, ...]:
    """Return the papers that links, footnotes and labelled identifiers in the text name."""
    found: list[Entry] = []
    for notes in body.iter("section"):
        for note in notes.iter("li") if "footnotes" in (notes.get("class") or "") else ():
            found += [entry for entry in entries_in(text_in(note), _links(note)) if _is_paper(entry)]
    works = [work for link in _links(body) for work in works_in(link).works]
    for block in body.iter("p", "li", "td", "dd"):
        text = _beginning(block, 2 * _LONGEST_ENTRY)
        if "10." in text or "PM" in text.upper() or "NBK" in text:
            works += works_in(text).works
    return (*found, *(Entry(work) for work in dict.fromkeys(works) if work.scheme in _PAPERS))


def _is_paper(entry: Entry) -> bool:
    return entry.work.scheme in _PAPERS


# --- where a list is ----------------------------------------------------------------------------------------------


def _headings(body: etree._Element) -> list[etree._Element]:
    """Return the elements that announce a list of references: headings, and short lines of their own."""
    found = [one for one in body.iter(*HEADINGS) if is_possible(_short(one))]
    inside = {inner for one in found for inner in one.iter()}
    for element in body.iter(*_LIKE_HEADINGS):
        text = _short(element)
        if element not in inside and text and is_possible(text) and _stands_alone(element, text):
            found.append(element)
            inside.update(element.iter())
    order = {element: place for place, element in enumerate(body.iter())}
    return sorted(found, key=lambda one: order[one])


def _short(element: etree._Element) -> str:
    """Return the text of a short element; "" for a long one, whose text may be the whole body's."""
    text = _beginning(element, 100)
    return "" if len(text) > 100 else text.strip()


def _beginning(element: etree._Element, most: int) -> str:
    """Return at least the first `most` characters of an element's text, if there are that many."""
    text, size = list[str](), 0
    for part in element.itertext():
        text.append(str(part))
        size += len(part)
        if size > most:
            break
    return "".join(text)


def _stands_alone(element: etree._Element, text: str) -> bool:
    """Return whether a line is a heading by its looks: all of it in bold, or ending in a colon, or a summary."""
    if element.tag in ("strong", "b"):
        parent = element.getparent()
        first = element.getprevious() is None and parent is not None and not (parent.text or "").strip()
        return first and parent is not None and parent.tag in (*_WRAPPERS, "p", "body", "li")
    if element.tag != "summary" and not all(inner.tag in _IN_HEADINGS for inner in element):
        return False
    bold = "".join(text_in(one) for one in element.iter("strong", "b"))
    return element.tag in ("summary", "caption", "legend", "dt") or bold.strip() == text or is_certain(text)


def _below(
    heading: etree._Element, body: etree._Element, announcing: Collection[etree._Element]
) -> Iterator[etree._Element]:
    """Yield what follows the heading up to the next one; where it is alone in its wrapper, what follows the wrapper.

    A line that announces a list, such as "Sources:", ends it too, unless it is the first below the heading.
    """
    top = heading
    while top is not body and _last_in_its_parent(top):
        above = top.getparent()
        if above is None or above is body:
            return
        top = above
    level = int(heading.tag[1]) if heading.tag in HEADINGS else 7
    for place, sibling in enumerate(top.itersiblings()):
        if _begins_section(sibling, level) or (place and sibling in announcing):
            return
        yield sibling


def _last_in_its_parent(element: etree._Element) -> bool:
    return element.getnext() is None and not (element.tail or "").strip()


def _begins_section(element: etree._Element, level: int) -> bool:
    first = element if element.tag in HEADINGS else next(element.iter(*HEADINGS), None)
    if first is not None:
        return element.tag not in HEADINGS or int(first.tag[1]) <= level or is_possible(_short(first))
    bold = element.tag in ("p", "div") and len(element) > 0 and element[0].tag in ("strong", "b")
    text = _short(element)
    return bold and bool(text) and text == text_in(element[0]).strip() and not _NUMBERED.match(text)


# --- what a list holds --------------------------------------------------------------------------------------------


def _entries_of(items: Sequence[_Item], *, certain: bool) -> list[_Item]:
    """Return the entries among what follows a heading, or none if it is no list of references."""
    listed = [item for item in items if item.listed]
    if listed:
        items = [item for item in items if item.listed or item.names_paper or _NUMBERED.match(item.text)]
    else:
        items = _paragraphs(items)
    if any(len(item.text) > _LONGEST_ENTRY for item in items):
        return []
    papers = sum(item.names_paper for item in items)
    if certain:
        return list(items) if papers or listed or all(_NUMBERED.match(item.text) for item in items) else []
    return list(items) if papers and 2 * papers >= len(items) else []


def _paragraphs(items: Sequence[_Item]) -> list[_Item]:
    """Return the entries among paragraphs: all that are numbered or name a paper, from the first such to the last."""
    places = [n for n, item in enumerate(items) if item.names_paper or _NUMBERED.match(item.text)]
    return list(items[places[0] : places[-1] + 1]) if places else []


def _items(element: etree._Element) -> Iterator[_Item]:
    match element.tag:
        case "ol" | "ul":
            yield from (_item(item) for item in element.iterchildren("li") if text_in(item).strip())
        case "dl":
            yield from (_item(item) for item in element.iterchildren("dd", "div") if text_in(item).strip())
        case "table":
            yield from (_item(row) for row in element.iter("tr") if row.find("td") is not None and text_in(row).strip())
        case "p" | "pre" | "address" | "dd" | "li":
            yield from _lines(element)
        case tag if tag in HEADINGS:
            return
        case _:
            if any(inner.tag in _LISTS or inner.tag in ("p", "pre", "div") for inner in element.iterdescendants()):
                yield from (item for inner in element for item in _items(inner))
            else:
                yield from _lines(element)


def _item(element: etree._Element) -> _Item:
    return _Item(_words(element), tuple(_links(element)), element, listed=True)


def _words(element: etree._Element) -> str:
    """Return an element's words, with a space between cells and lines, without links that only lead back."""
    parts = [_text_of_cell(cell) for cell in element.iter("td")] if element.tag == "tr" else [_text_of_cell(element)]
    return " ".join(" ".join(parts).split())


def _text_of_cell(element: etree._Element) -> str:
    return " ".join(str(text) for text in element.itertext()) if element.tag == "td" else _spaced(element)


def _spaced(element: etree._Element) -> str:
    parts = [element.text or ""]
    for inner in element:
        parts += [" " if inner.tag in ("br", "p", "div", "li") else "", _spaced(inner), inner.tail or ""]
    return "".join(parts)


def _lines(element: etree._Element) -> Iterator[_Item]:
    """Yield the entries of a paragraph, each with its own links: one to a line, or begun by "[2]" on a line."""
    for text, links in _broken(element):
        starts = [0, *_starts(text)]
        for start, end in zip(starts, [*starts[1:], len(text) + 1], strict=True):
            if words := " ".join(text[start:end].split()):
                first, last = (bisect_left(links, place, key=itemgetter(0)) for place in (start, end))
                yield _Item(words, tuple(href for _, href in links[first:last]), element, listed=False)


def _broken(element: etree._Element) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield a paragraph's text up to each break, and its links with their places in that text."""
    parts, size, links = list[str](), 0, list[tuple[int, str]]()
    for kind, value in _stream(element):
        if kind == "break":
            yield "".join(parts), links
            parts, size, links = [], 0, []
        elif kind == "link":
            links.append((size, value))
        else:
            parts.append(value)
            size += len(value)
    yield "".join(parts), links


def _stream(element: etree._Element) -> Iterator[tuple[str, str]]:
    if element.tag == "a" and element.get("href"):
        yield "link", element.get("href", "")
    yield "text", element.text or ""
    for inner in element:
        if inner.tag == "br":
            yield "break", ""
        yield from _stream(inner)
        yield "text", inner.tail or ""


def _starts(text: str) -> Iterator[int]:
    """Yield where further entries start in a text in which entries begin with their numbers, each on its own line."""
    if _NUMBERED.match(text):
        yield from (match.start() + 1 for match in _NEXT_NUMBER.finditer(text))


def _links(element: etree._Element) -> Iterator[str]:
    for link in element.iter("a"):
        if href := link.get("href"):
            yield href


# --- taking it out ------------------------------------------------------------------------------------------------


def _take_out(heading: etree._Element, parts: Sequence[etree._Element], items: Sequence[_Item]) -> None:
    taken = {item.element for item in items}
    for element in taken:
        take_out(element)
    for part in parts:
        _take_out_empty(part)
    _take_out_empty(heading, whole=True)


def _take_out_empty(element: etree._Element, *, whole: bool = False) -> None:
    """Remove an element if nothing is left in it, and what was around it alone."""
    above = element.getparent()
    if not whole and _holds_anything(element):
        for inner in list(element):
            if inner.tag in _LISTS and not text_in(inner).strip():
                take_out(inner)
        return
    take_out(element)
    if above is not None and above.tag not in ("body", "html") and not _holds_anything(above):
        _take_out_empty(above)


def _holds_anything(element: etree._Element) -> bool:
    has_text = any(str(text).strip() for text in element.itertext())  # up to the first: it may be most of the body
    return has_text or element.find(".//img") is not None


def _is_within(element: etree._Element, body: etree._Element) -> bool:
    above: etree._Element | None = element
    while above is not None and above is not body:
        above = above.getparent()
    return above is body
