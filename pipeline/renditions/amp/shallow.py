"""Limit the depth of an article's tree and keep every word, because AMP's own validator fails on deep documents.

What is too deep is lifted out of its list, note, quotation or emphasis.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from pipeline.flattening import inlines_text, labels
from pipeline.model.article import (
    Abbreviation,
    Block,
    BulletList,
    Cell,
    Definition,
    DefinitionList,
    Deleted,
    Emphasis,
    Inline,
    Inserted,
    Link,
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
from pipeline.renditions.parts.simpler_lists import definitions_as_bullets, with_label

_TABLE = 5  # elements around what a cell holds: the box that scrolls, table, tbody, tr, td


def shallow_sections(sections: Iterable[Section], room: int) -> tuple[Section, ...]:
    """Limit the blocks of each section separately, because sections are not nested in the HTML."""
    return tuple(
        replace(
            section,
            blocks=shallow_blocks(section.blocks, room),
            sections=shallow_sections(section.sections, room),
            marked_heading=shallow_inlines(section.marked_heading, room - 1),
        )
        for section in sections
    )


def shallow_blocks(blocks: Iterable[Block], room: int) -> tuple[Block, ...]:
    """Return the blocks with at most `room` elements nested in each other."""
    out: list[Block] = []
    for block in blocks:
        match block:
            case BulletList() | NumberedList() | DefinitionList():
                out += [_shallow_list(block, room - 2)] if room > 3 else _lifted(block, room)
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


def _shallow_list(block: BulletList | NumberedList | DefinitionList, room: int) -> Block:
    if isinstance(block, DefinitionList):
        return DefinitionList(tuple(_shallow_definition(one, room) for one in block.items))
    items = tuple(replace(item, blocks=shallow_blocks(item.blocks, room)) for item in block.items)
    if isinstance(block, NumberedList) and any(label.startswith("-") for label in labels(block)):  # AMP counts from 0
        named = zip(labels(block), items, strict=True)
        return BulletList(
            tuple(replace(item, blocks=with_label(label, item.blocks), number=None) for label, item in named)
        )
    return replace(block, items=items)


def _lifted(block: BulletList | NumberedList | DefinitionList, room: int) -> list[Block]:
    """Return a list's items without the list; numbered items keep their numbers."""
    if isinstance(block, DefinitionList):
        block = definitions_as_bullets(block)
    marks = labels(block) if isinstance(block, NumberedList) else ["•"] * len(block.items)
    out: list[Block] = []
    for mark, item in zip(marks, block.items, strict=True):
        done = {True: "☑ ", False: "☐ ", None: ""}[item.checked]
        out += shallow_blocks(with_label(f"{mark} {done}".rstrip(), item.blocks), room)
    return out


def _shallow_definition(definition: Definition, room: int) -> Definition:
    return Definition(
        tuple(shallow_inlines(term, room) for term in definition.terms),
        tuple(shallow_blocks(blocks, room) for blocks in definition.descriptions),
    )


def _source(block: Note | Quotation) -> list[Block]:
    return [Paragraph((Text(block.source),))] if isinstance(block, Quotation) and block.source else []


def _shallow_row(row: tuple[Cell, ...], room: int) -> tuple[Cell, ...]:
    return tuple(replace(cell, children=shallow_inlines(cell.children, room)) for cell in row)


def shallow_inlines(inlines: Iterable[Inline], room: int) -> tuple[Inline, ...]:
    """Limit the depth of inlines, in a loop, because hundreds of levels would exhaust Python's stack.

    What would mean something else without its element becomes text that keeps the meaning.
    """
    out: list[Inline] = []
    for inline in inlines:
        match inline:
            case Emphasis(children) | Strong(children) | Inserted(children):
                inner = shallow_inlines(children, room - 1 if room > 1 else room)
                out += (replace(inline, children=inner),) if room > 1 else inner
            case Superscript(children) | Subscript(children) | Deleted(children) | Abbreviation(children):
                if room > 1:
                    out.append(replace(inline, children=shallow_inlines(children, room - 1)))
                elif text := inlines_text([inline]):
                    out.append(Text(text))
            case Link(_, children):
                out.append(replace(inline, children=shallow_inlines(children, max(room - 1, 0))))
            case _:
                out.append(inline)
    return tuple(out)
