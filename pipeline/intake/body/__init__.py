"""Turn a body's HTML into a lead and sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml import etree

from pipeline.intake.body.blocks import Heading, read_blocks
from pipeline.intake.body.inlines import Reading
from pipeline.intake.body.sections import sections_of
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.text import same
from pipeline.model.article import (
    MAX_NESTING,
    Block,
    BulletList,
    Definition,
    DefinitionList,
    Inline,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Table,
)


@dataclass(frozen=True)
class Body:
    """`heading`: the first h1, which is the title if no other was given; it opens no section."""

    heading: str | None
    marked_heading: tuple[Inline, ...]
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]


def read_body(body: etree._Element, *, title: str | None, numbering: Sequence[int], base: str | None) -> Body:
    """Read a body. Raises InvalidValue `nested-too-deep`."""
    items = read_blocks(body, Reading(numbering, base))
    place = next((n for n, item in enumerate(items) if isinstance(item, Heading) and item.level == 1), None)
    top = items[place] if place is not None else None
    heading = top.text if isinstance(top, Heading) else None
    marked = top.marked if isinstance(top, Heading) else ()
    if place is not None and heading is not None and (title is None or same(heading, title)):
        del items[place]
    lead, sections = sections_of(items)
    if max((_depth(b) for part in _all_blocks(lead, sections) for b in part), default=0) > MAX_NESTING:
        raise InvalidValue(
            f"blocks are nested more than {MAX_NESTING} levels deep", code="nested-too-deep", hint="nest less deeply"
        )
    return Body(heading, marked, lead, sections)


def _all_blocks(lead: Sequence[Block], sections: Iterable[Section]) -> Iterable[Sequence[Block]]:
    yield lead
    for section in sections:
        yield from _all_blocks(section.blocks, section.sections)


def _depth(block: Block) -> int:
    """Return how deeply containers are nested in a block, including the nested inlines below them."""
    match block:
        case BulletList(items) | NumberedList(items):
            return 1 + max((_depth(inner) for item in items for inner in item.blocks), default=0)
        case Quotation(blocks) | Note(_, blocks):
            return 1 + max((_depth(inner) for inner in blocks), default=0)
        case Paragraph(children):
            return _inline_depth(children)
        case DefinitionList(items):
            return 1 + max((_definition_depth(one) for one in items), default=0)
        case Table(rows):
            return 1 + max((_inline_depth(cell.children) for row in rows for cell in row), default=0)
        case _:
            return 0


def _definition_depth(definition: Definition) -> int:
    inner = max((_depth(block) for blocks in definition.descriptions for block in blocks), default=0)
    return max(inner, *map(_inline_depth, definition.terms), 0)


def _inline_depth(inlines: Sequence[Inline]) -> int:
    below = (getattr(part, "children", None) for part in inlines)
    return max((1 + _inline_depth(children) for children in below if children is not None), default=0)
