"""Turn sanitised elements into the article's blocks. An unknown element is replaced by its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lxml import etree
from msgspec.structs import replace

from pipeline.flattening import inlines_text
from pipeline.intake.body.inlines import (
    TAGS,
    Plain,
    Reading,
    inline,
    inlines_in,
    is_empty,
    marked,
    plain,
    text_of,
    tidy,
)
from pipeline.intake.body.notes import kind_of_class, note_from_quotation, with_notes
from pipeline.intake.body.pictures import captioned, picture
from pipeline.intake.body.striking import wrapped
from pipeline.intake.body.tables import in_one_line, rows_of
from pipeline.intake.fields.text import clean, is_blank, line
from pipeline.model.article import (
    Block,
    BulletList,
    Definition,
    DefinitionList,
    Deleted,
    Inline,
    ListItem,
    Note,
    NumberedList,
    NumberStyle,
    Paragraph,
    Preformatted,
    Quotation,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
)

_MARKUP_OF_A_LINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "q", "s", "samp",
    "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
})  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})\s*")  # of a list or an item, as CommonMark bounds it
_TASK = re.compile(r"\[([ xX])\](?: |$)")
_STYLES: dict[str, NumberStyle] = {"a": "a", "A": "A", "i": "i", "I": "I"}


@dataclass(frozen=True)
class Heading:
    """A heading among the blocks, before sections are formed."""

    level: int
    text: str
    marked: tuple[Inline, ...] = ()


@dataclass
class _Flow:
    """Collects the contents of one container. Inlines become a paragraph at the next block or at the end."""

    reading: Reading
    without: etree._Element | None = None  # what the container's own maker reads
    blocks: list[Block | Heading] = field(default_factory=list)
    run: list[Inline] = field(default_factory=list)
    checked: bool | None = None  # of a task's box

    def end_paragraph(self) -> None:
        run, self.run = self.run, []
        if all(isinstance(part, Text) and part.value.isspace() for part in run):
            return
        children = tidy(run, self.reading)
        if not is_empty(children):
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
        elif tag == "input":
            if (child.get("type") or "").lower() == "checkbox":
                self.checked = child.get("checked") is not None
        elif (wrapper := TAGS.get(tag)) in _MEANING_OF_BLOCKS:
            self._wrapped(child, wrapper)
        elif tag in _MARKUP_OF_A_LINE:
            self.fill(child)
        elif kind_of_class(child):
            self.add(*_aside(child, self.reading))
        else:
            self.end_paragraph()
            self.fill(child)
            self.end_paragraph()

    def nested(self) -> list[Block]:
        """Return the blocks. A heading within a block cannot open a section, so it becomes a strong paragraph."""
        self.end_paragraph()
        return [
            Paragraph((Strong(block.marked or (Text(block.text),)),)) if isinstance(block, Heading) else block
            for block in self.blocks
        ]

    def _wrapped(self, element: etree._Element, wrapper: type[Plain]) -> None:
        """Return blocks that were struck out or raised as a whole."""
        self.add(*(wrapped(block, wrapper) for block in _inside(element, self.reading)))

    def _image(self, element: etree._Element) -> None:
        found = picture(element, self.reading.base)
        if found is not None:
            self.add(found)
        elif alt := element.get("alt"):
            self.run.append(Text(alt))


_MEANING_OF_BLOCKS = (Deleted, Superscript, Subscript)


def read_blocks(body: etree._Element, reading: Reading) -> list[Block | Heading]:
    """Return all blocks of a body, with headings among them and before notes are recognised."""
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
    inside = tidy(inlines_in(element, reading), Reading(base=reading.base))
    if text := plain(inside):
        yield Heading(_HEADINGS[str(element.tag)], text, marked(inside))
    for image in element.iter("img"):
        if found := picture(image, reading.base):
            yield found


def _list(element: etree._Element, reading: Reading) -> Iterable[Block]:
    items: list[ListItem] = []
    if text := line(element.text or ""):
        items.append(ListItem((Paragraph((Text(text),)),)))
    for child in element:
        if child.tag == "li":
            items.append(_item(child, reading))
        elif not items:
            items.append(ListItem(tuple(_one(child, reading))))
        else:  # a list next to the item that it belongs to
            items[-1] = replace(items[-1], blocks=(*items[-1].blocks, *_one(child, reading)))
        if text := line(child.tail or ""):
            items.append(ListItem((Paragraph((Text(text),)),)))
    with_notes_inside = tuple(replace(item, blocks=tuple(with_notes(item.blocks))) for item in items)
    if not any(item.blocks for item in with_notes_inside):
        return ()
    if element.tag == "ol":  # an empty item counts
        return (_numbered(element, with_notes_inside),)
    return (BulletList(tuple(item for item in with_notes_inside if item.blocks)),)


def _item(element: etree._Element, reading: Reading) -> ListItem:
    flow = _Flow(reading)
    flow.fill(element)
    blocks, checked = tuple(flow.nested()), flow.checked
    match blocks:
        case (Paragraph((Text(value), *others)), *rest) if checked is None and (box := _TASK.match(value)):
            left = value[box.end() :]
            children = (*((Text(left),) if left else ()), *others)
            return ListItem((Paragraph(children), *rest), _number(element.get("value")), box[1] != " ")
    return ListItem(blocks, _number(element.get("value")), checked)


def _numbered(element: etree._Element, items: tuple[ListItem, ...]) -> NumberedList:
    """Return a numbered list. One that counts down starts at the number of its items by default (HTML, 4.4.5)."""
    down = element.get("reversed") is not None
    start = _number(element.get("start"))
    if start is None:
        start = len(items) if down else 1
    return NumberedList(items, start, _STYLES.get((element.get("type") or "").strip(), "1"), down)


def _number(value: str | None) -> int | None:
    found = _NUMBER.fullmatch(value or "")
    return int(found[1]) if found else None


def _one(element: etree._Element, reading: Reading) -> list[Block]:
    """Return the item for an element that is where only items should be."""
    flow = _Flow(reading)
    flow.child(element)
    return flow.nested()


def _definitions(element: etree._Element, reading: Reading) -> Iterable[Block]:
    """Return the definitions. Consecutive terms share the descriptions after them; a `div` may wrap each group."""
    items: list[Definition] = []
    for child in _terms_and_descriptions(element):
        inside = _inside(child, reading)
        if child.tag == "dt":
            term = tuple(in_one_line(inside))
            if is_empty(term):
                continue
            if not items or items[-1].descriptions:
                items.append(Definition((), ()))
            items[-1] = replace(items[-1], terms=(*items[-1].terms, term))
        elif inside:
            items = items or [Definition((), ())]
            items[-1] = replace(items[-1], descriptions=(*items[-1].descriptions, tuple(with_notes(inside))))
    return (DefinitionList(tuple(items)),) if items else ()


def _terms_and_descriptions(element: etree._Element) -> Iterable[etree._Element]:
    for child in element:
        if child.tag == "div":
            yield from _terms_and_descriptions(child)
        else:
            yield child


def _table(element: etree._Element, reading: Reading) -> Iterable[Block]:
    rows = rows_of(element, lambda cell: _inside(cell, reading))
    caption = element.find("caption")
    if rows:
        yield Table(rows, None if caption is None else text_of(caption) or None)


def _quotation(element: etree._Element, reading: Reading) -> Iterable[Block]:
    footer = element.find("footer")
    blocks = _inside(element, reading, footer)
    if not blocks:
        return () if footer is None else _inside(footer, reading)
    kind = kind_of_class(element)
    note = Note(kind, tuple(blocks)) if kind else note_from_quotation(blocks)
    if note is not None:
        return (note,) if footer is None else (note, *_inside(footer, reading))
    source = None if footer is None else text_of(footer)
    return (Quotation(tuple(with_notes(blocks)), source or None),)


def _aside(element: etree._Element, reading: Reading) -> Iterable[Block]:
    blocks = _inside(element, reading)
    return (Note(kind_of_class(element) or "info", tuple(blocks)),) if blocks else ()


def _figure(element: etree._Element, reading: Reading) -> Iterable[Block]:
    caption = element.find(".//figcaption")
    blocks = _inside(element, reading, caption)
    return blocks if caption is None else captioned(blocks, caption)


def _preformatted(element: etree._Element, reading: Reading) -> Iterable[Block]:
    text = clean(inlines_text(inlines_in(element, reading))).strip("\n").rstrip()
    return () if is_blank(text) else (Preformatted(text),)


def _summary(element: etree._Element, reading: Reading) -> Iterable[Block]:
    children = tidy(inlines_in(element, reading), reading)
    return () if is_empty(children) else (Paragraph((Strong(children),)),)


def _nothing(element: etree._Element, reading: Reading) -> Iterable[Block]:
    return ()


_MAKERS: dict[str, Callable[[etree._Element, Reading], Iterable[Block | Heading]]] = {
    "ul": _list, "ol": _list, "menu": _list, "dl": _definitions, "table": _table, "blockquote": _quotation,
    "aside": _aside, "figure": _figure, "pre": _preformatted, "summary": _summary, "hr": _nothing,
    **dict.fromkeys(_HEADINGS, _heading),
}  # fmt: skip
