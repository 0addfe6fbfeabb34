"""An article's tree cut down in depth, with every word kept: AMP's own validator falls over in deep documents.

What stands deeper than there is room for is lifted out of its list, note, quotation or emphasis and stands plainly.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from pipeline.model.article import (
    Block,
    BulletList,
    Cell,
    Emphasis,
    Inline,
    Link,
    ListItem,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
)

_TABLE = 5  # elements around what a cell holds: the box that scrolls, table, tbody, tr, td


def shallow_sections(sections: Iterable[Section], room: int) -> tuple[Section, ...]:
    """Sections are not nested in HTML, so that each has the whole room for its blocks."""
    return tuple(
        replace(
            section,
            blocks=shallow_blocks(section.blocks, room),
            sections=shallow_sections(section.sections, room),
        )
        for section in sections
    )


def shallow_blocks(blocks: Iterable[Block], room: int) -> tuple[Block, ...]:
    """The blocks as they are written in at most `room` elements within each other."""
    out: list[Block] = []
    for block in blocks:
        match block:
            case BulletList(items) | NumberedList(items):
                if room > 3:
                    inner = [ListItem(shallow_blocks(item.blocks, room - 2)) for item in items]
                    out.append(replace(block, items=tuple(inner)))
                else:
                    for item in items:
                        out += shallow_blocks(item.blocks, room)
            case Note(blocks=blocks_) | Quotation(blocks=blocks_):
                if room > 3:
                    out.append(replace(block, blocks=shallow_blocks(blocks_, room - 1)))
                else:
                    out += [*shallow_blocks(blocks_, room), *_source(block)]
            case Paragraph(children):
                out.append(Paragraph(shallow_inlines(children, room - 1)))
            case Table(rows):
                out.append(replace(block, rows=tuple(_shallow_row(row, room - _TABLE) for row in rows)))
            case _:
                out.append(block)
    return tuple(out)


def _source(block: Note | Quotation) -> list[Block]:
    return [Paragraph((Text(block.source),))] if isinstance(block, Quotation) and block.source else []


def _shallow_row(row: tuple[Cell, ...], room: int) -> tuple[Cell, ...]:
    return tuple(replace(cell, children=shallow_inlines(cell.children, room)) for cell in row)


def shallow_inlines(inlines: Iterable[Inline], room: int) -> tuple[Inline, ...]:
    """A loop and one frame for each level: hundreds of levels must not use up Python's stack."""
    out: list[Inline] = []
    for inline in inlines:
        match inline:
            case Emphasis(children) | Strong(children) | Superscript(children) | Subscript(children):
                inner = shallow_inlines(children, room - 1 if room > 1 else room)
                out += (replace(inline, children=inner),) if room > 1 else inner
            case Link(_, children):
                out.append(replace(inline, children=shallow_inlines(children, max(room - 1, 0))))
            case _:
                out.append(inline)
    return tuple(out)
