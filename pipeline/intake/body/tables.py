"""Tables: each cell is a line of text, so that what stands in blocks in a cell is parted by line breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lxml import etree

from pipeline.model.article import (
    Block,
    BulletList,
    Cell,
    Code,
    Image,
    Inline,
    LineBreak,
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
    """The rows that have cells; none where no cell says anything."""
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
    """Blocks as inlines, a line break between each two."""
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
            return _items("• ", (in_one_line(item.blocks) for item in items))
        case NumberedList(items, start):
            return _items("", ([Text(f"{n}. "), *in_one_line(item.blocks)] for n, item in enumerate(items, start)))
        case Note(_, blocks):
            return in_one_line(blocks)
        case Quotation(blocks, source):
            return in_one_line([*blocks, *([Paragraph((Text(source),))] if source else [])])
        case Preformatted(value):
            return [Code(" ".join(value.split()))]
        case Image(_, alt, _, _, caption, credit):
            words = " ".join(part for part in (alt, caption, credit) if part)
            return [Text(words)] if words else []
        case Table(rows, caption):
            cells = [Paragraph(cell.children) for row in rows for cell in row if cell.children]
            return in_one_line([*([Paragraph((Text(caption),))] if caption else []), *cells])


def _items(mark: str, items: Iterable[list[Inline]]) -> list[Inline]:
    out: list[Inline] = []
    for item in items:
        if out:
            out.append(LineBreak())
        out.extend([Text(mark), *item] if mark else item)
    return out
