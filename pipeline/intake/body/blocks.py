"""Sanitised elements → the article's blocks. What is not known as an element still gives its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lxml import etree

from pipeline.intake.body.elements import text_in
from pipeline.intake.body.inlines import Reading, inline, inlines_in, plain, says_nothing, tidy
from pipeline.intake.body.notes import kind_of_class, note_from_quotation, with_notes
from pipeline.intake.body.pictures import captioned, picture
from pipeline.intake.body.tables import rows_of
from pipeline.intake.fields.text import clean, is_blank, line
from pipeline.model.article import (
    Block,
    BulletList,
    Inline,
    ListItem,
    Note,
    NumberedList,
    Paragraph,
    Preformatted,
    Quotation,
    Strong,
    Table,
    Text,
)

_MARKUP_OF_A_LINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "dfn", "em", "i", "kbd", "q", "s", "samp", "small", "span",
    "strong", "sub", "sup", "tt", "u", "var",
})  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LAST_START = 999_999_999  # of a numbered list, as CommonMark has it


@dataclass(frozen=True)
class Heading:
    """A heading where it stood; sections are made of them later."""

    level: int
    text: str


@dataclass
class _Flow:
    """Collects what stands in one container: inlines become a paragraph when a block or the end comes."""

    reading: Reading
    without: etree._Element | None = None  # what the container's own maker reads
    blocks: list[Block | Heading] = field(default_factory=list)
    run: list[Inline] = field(default_factory=list)

    def end_paragraph(self) -> None:
        run, self.run = self.run, []
        if all(isinstance(part, Text) and part.value.isspace() for part in run):
            return
        children = tidy(run, self.reading)
        if not says_nothing(children):
            self.blocks.append(Paragraph(children))

    def add(self, *blocks: Block | Heading) -> None:
        self.end_paragraph()
        self.blocks.extend(blocks)

    def fill(self, element: etree._Element) -> None:
        if element.text:
            self.run.append(Text(element.text))
        for child in element:
            self.child(child)
            if child.tail:
                self.run.append(Text(child.tail))

    def child(self, child: etree._Element) -> None:
        tag = str(child.tag)
        if child is self.without or child.get("class") == "note-label":
            return
        if tag in _MARKUP_OF_A_LINE and child not in self.reading.hosts:
            self.run.extend(inline(child, self.reading))
        elif (make := _MAKERS.get(tag)) is not None:
            self.add(*make(child, self.reading))
        elif tag == "img":
            self._image(child)
        elif tag in _MARKUP_OF_A_LINE:
            self.fill(child)
        elif kind_of_class(child):
            self.add(*_aside(child, self.reading))
        else:
            self.end_paragraph()
            self.fill(child)
            self.end_paragraph()

    def nested(self) -> list[Block]:
        """All of it; a heading within a block cannot open a section, so it becomes a strong paragraph."""
        self.end_paragraph()
        return [Paragraph((Strong((Text(b.text),)),)) if isinstance(b, Heading) else b for b in self.blocks]

    def _image(self, element: etree._Element) -> None:
        found = picture(element, self.reading.base)
        if found is not None:
            self.add(found)
        elif alt := element.get("alt"):
            self.run.append(Text(alt))


def read_blocks(body: etree._Element, reading: Reading) -> list[Block | Heading]:
    """All of a body, its headings still among its blocks and its notes not yet told apart."""
    flow = _Flow(Reading(reading.numbering, reading.base, _hosts(body)))
    flow.fill(body)
    flow.end_paragraph()
    return flow.blocks


def _hosts(body: etree._Element) -> frozenset[etree._Element]:
    hosts: set[etree._Element] = set()
    for element in body.iter(etree.Element):
        if element.tag not in _MARKUP_OF_A_LINE:
            above = element.getparent()
            while above is not None and above not in hosts and above.tag in _MARKUP_OF_A_LINE:
                hosts.add(above)
                above = above.getparent()
    return frozenset(hosts)


def _inside(element: etree._Element, reading: Reading, without: etree._Element | None = None) -> list[Block]:
    flow = _Flow(reading, without)
    flow.fill(element)
    return flow.nested()


# --- one function for each kind of element ------------------------------------------------------------------------


def _heading(element: etree._Element, reading: Reading) -> Iterable[Block | Heading]:
    if text := plain(tidy(inlines_in(element, reading), Reading(base=reading.base))):
        yield Heading(_HEADINGS[str(element.tag)], text)
    for image in element.iter("img"):
        if found := picture(image, reading.base):
            yield found


def _list(element: etree._Element, reading: Reading) -> Iterable[Block]:
    items: list[list[Block]] = []
    if text := line(element.text or ""):
        items.append([Paragraph((Text(text),))])
    for child in element:
        if child.tag == "li" or not items:
            items.append(_inside(child, reading) if child.tag == "li" else _one(child, reading))
        else:  # a list that stands beside the item that it belongs to
            items[-1].extend(_one(child, reading))
        if text := line(child.tail or ""):
            items.append([Paragraph((Text(text),))])
    filled = tuple(ListItem(tuple(with_notes(item))) for item in items if item)
    if not filled:
        return ()
    return (NumberedList(filled, _start(element)) if element.tag == "ol" else BulletList(filled),)


def _one(element: etree._Element, reading: Reading) -> list[Block]:
    """An element that stands where only items should."""
    flow = _Flow(reading)
    flow.child(element)
    return flow.nested()


def _start(element: etree._Element) -> int:
    start = element.get("start") or ""
    return int(start) if start.isascii() and start.isdigit() and len(start) <= 9 else 1


def _definitions(element: etree._Element, reading: Reading) -> Iterable[Block]:
    for child in element:
        inside = _inside(child, reading)
        if child.tag == "dt":
            yield from (Paragraph((Strong(b.children),)) if isinstance(b, Paragraph) else b for b in inside)
        else:
            yield from inside


def _table(element: etree._Element, reading: Reading) -> Iterable[Block]:
    rows = rows_of(element, lambda cell: _inside(cell, reading))
    caption = element.find("caption")
    if rows:
        yield Table(rows, None if caption is None else line(text_in(caption)) or None)


def _quotation(element: etree._Element, reading: Reading) -> Iterable[Block]:
    footer = element.find("footer")
    blocks = _inside(element, reading, footer)
    if not blocks:
        return () if footer is None else _inside(footer, reading)
    kind = kind_of_class(element)
    note = Note(kind, tuple(blocks)) if kind else note_from_quotation(blocks)
    if note is not None:
        return (note,) if footer is None else (note, *_inside(footer, reading))
    source = None if footer is None else line(text_in(footer))
    return (Quotation(tuple(with_notes(blocks)), source or None),)


def _aside(element: etree._Element, reading: Reading) -> Iterable[Block]:
    blocks = _inside(element, reading)
    return (Note(kind_of_class(element) or "info", tuple(blocks)),) if blocks else ()


def _figure(element: etree._Element, reading: Reading) -> Iterable[Block]:
    caption = element.find(".//figcaption")
    blocks = _inside(element, reading, caption)
    return blocks if caption is None else captioned(blocks, caption)


def _preformatted(element: etree._Element, reading: Reading) -> Iterable[Block]:
    text = clean(text_in(element)).strip("\n").rstrip()
    return () if is_blank(text) else (Preformatted(text),)


def _summary(element: etree._Element, reading: Reading) -> Iterable[Block]:
    children = tidy(inlines_in(element, reading), reading)
    return () if says_nothing(children) else (Paragraph((Strong(children),)),)


def _nothing(element: etree._Element, reading: Reading) -> Iterable[Block]:
    return ()


_MAKERS: dict[str, Callable[[etree._Element, Reading], Iterable[Block | Heading]]] = {
    "ul": _list, "ol": _list, "menu": _list, "dl": _definitions, "table": _table, "blockquote": _quotation,
    "aside": _aside, "figure": _figure, "pre": _preformatted, "summary": _summary, "hr": _nothing,
    **dict.fromkeys(_HEADINGS, _heading),
}  # fmt: skip
