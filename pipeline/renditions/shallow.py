"""An article's tree cut down in depth, with every word kept: AMP's own validator falls over in deep documents.

What stands deeper than there is room for is lifted out of its list, note, quotation or emphasis and stands plainly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from pipeline.model.article import (
    Block,
    BulletList,
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
    return tuple(shallow for block in blocks for shallow in _block(block, room))


def _block(block: Block, room: int) -> Iterator[Block]:
    match block:
        case BulletList(items) | NumberedList(items):
            if room > 3:
                yield replace(block, items=tuple(ListItem(shallow_blocks(item.blocks, room - 2)) for item in items))
            else:
                yield from (shallow for item in items for shallow in shallow_blocks(item.blocks, room))
        case Note(blocks=inner) | Quotation(blocks=inner):
            if room > 3:
                yield replace(block, blocks=shallow_blocks(inner, room - 1))
            else:
                yield from shallow_blocks(inner, room)
                if isinstance(block, Quotation) and block.source:
                    yield Paragraph((Text(block.source),))
        case Paragraph(children):
            yield Paragraph(shallow_inlines(children, room - 1))
        case Table(rows):
            cells = (
                tuple(replace(cell, children=shallow_inlines(cell.children, room - _TABLE)) for cell in row)
                for row in rows
            )
            yield replace(block, rows=tuple(cells))
        case _:
            yield block


def shallow_inlines(inlines: Iterable[Inline], room: int) -> tuple[Inline, ...]:
    return tuple(shallow for inline in inlines for shallow in _inline(inline, room))


def _inline(inline: Inline, room: int) -> Iterator[Any]:
    match inline:
        case Emphasis(children) | Strong(children) | Superscript(children) | Subscript(children):
            if room > 1:
                yield replace(inline, children=shallow_inlines(children, room - 1))
            else:
                yield from shallow_inlines(children, room)
        case Link(_, children):
            yield replace(inline, children=shallow_inlines(children, max(room - 1, 0)))
        case _:
            yield inline
