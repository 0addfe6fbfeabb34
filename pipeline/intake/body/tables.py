"""Tables. Each cell is a line of text, with a line break between its blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lxml import etree
from msgspec.structs import replace

from pipeline.flattening import labels
from pipeline.model.article import (
    Block,
    BulletList,
    Cell,
    Code,
    Definition,
    DefinitionList,
    Image,
    Inline,
    LineBreak,
    ListItem,
    Note,
    NumberedList,
    Paragraph,
    Preformatted,
    Quotation,
    Table,
    Text,
)

_MAX_SPAN = 1000  # HTML, section 4.9.11

Rows = tuple[tuple[Cell, ...], ...]


def rows_of(table: etree._Element, read_cell: Callable[[etree._Element], list[Block]]) -> Rows:
    """Return the rows that have cells, or none if every cell is empty."""
    rows = tuple(row for row in (_row(tr, read_cell) for tr in _table_rows(table)) if row)
    return rows if any(cell.children for row in rows for cell in row) else ()


def _table_rows(table: etree._Element) -> Iterable[etree._Element]:
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child if row.tag == "tr")


def _row(row: etree._Element, read_cell: Callable[[etree._Element], list[Block]]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            tuple(in_one_line(read_cell(cell))),
            header=cell.tag == "th",
            colspan=_span(cell.get("colspan")),
            rowspan=_span(cell.get("rowspan")),
        )
        for cell in row
        if cell.tag in ("td", "th")
    )


def _span(value: str | None) -> int:
    text = (value or "").strip()
    return min(max(int(text), 1), _MAX_SPAN) if text.isascii() and text.isdigit() and len(text) <= 6 else 1


def in_one_line(blocks: Iterable[Block]) -> list[Inline]:
    """Return blocks as inlines, with a line break between them."""
    out: list[Inline] = []
    for block in blocks:
        inside = _inlines(block)
        if inside and out:
            out.append(LineBreak())
        out.extend(inside)
    return out


def _inlines(block: Block) -> list[Inline]:
    match block:
        case Paragraph(children):
            return list(children)
        case BulletList(items):
            return _items(["•"] * len(items), items)
        case NumberedList(items):
            return _items(labels(block), items)
        case DefinitionList(items):
            return in_one_line([Paragraph(tuple(_definition(one))) for one in items])
        case Note(_, blocks):
            return in_one_line(blocks)
        case Quotation(blocks, source):
            return in_one_line([*blocks, *([Paragraph((Text(source),))] if source else [])])
        case Preformatted(value):
            return [Code(" ".join(value.split()))]
        case Image(_, _, _, _, caption, credit):
            words = " ".join(part for part in (caption, credit) if part)
            picture = replace(block, caption=None, credit=None)
            return [picture, Text(f" {words}")] if words else [picture]
        case Table(rows, caption):
            cells = [Paragraph(cell.children) for row in rows for cell in row if cell.children]
            return in_one_line([*([Paragraph((Text(caption),))] if caption else []), *cells])


def _items(marks: Iterable[str], items: Iterable[ListItem]) -> list[Inline]:
    out: list[Inline] = []
    for mark, item in zip(marks, items, strict=True):
        if out:
            out.append(LineBreak())
        box = {True: "☑ ", False: "☐ ", None: ""}[item.checked]
        out.extend([Text(f"{mark} {box}"), *in_one_line(item.blocks)])
    return out


def _definition(definition: Definition) -> Iterable[Inline]:
    for place, term in enumerate(definition.terms):
        yield from ([Text(" / "), *term] if place else term)
    yield Text(": ")
    for place, blocks in enumerate(definition.descriptions):
        yield from ([Text("; "), *in_one_line(blocks)] if place else in_one_line(blocks))
