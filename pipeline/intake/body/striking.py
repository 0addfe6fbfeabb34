"""Apply an element around whole blocks, such as `<del>` around paragraphs, to every line in them."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.flattening.inlines import image_text
from pipeline.intake.body.inlines import Plain
from pipeline.model.article import (
    Block,
    BulletList,
    Code,
    Definition,
    DefinitionList,
    Image,
    Inline,
    Note,
    NumberedList,
    Paragraph,
    Preformatted,
    Quotation,
    Table,
    Text,
)

Inlines = tuple[Inline, ...]


def wrapped(block: Block, wrapper: type[Plain]) -> Block:
    """Return the block with all its text in `wrapper`."""

    def line(children: Inlines) -> Inlines:
        return (wrapper(children),) if children else ()

    def all_of(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(wrapped(inner, wrapper) for inner in blocks)

    match block:
        case Paragraph(children):
            return Paragraph(line(children))
        case BulletList(items) | NumberedList(items):
            return replace(block, items=tuple(replace(item, blocks=all_of(item.blocks)) for item in items))
        case DefinitionList(items):
            return DefinitionList(
                tuple(Definition(tuple(map(line, one.terms)), tuple(map(all_of, one.descriptions))) for one in items)
            )
        case Table(rows, caption):
            struck = tuple(tuple(replace(cell, children=line(cell.children)) for cell in row) for row in rows)
            return Table(struck, caption)
        case Quotation(blocks) | Note(_, blocks):
            return replace(block, blocks=all_of(blocks))
        case Image():
            return Paragraph(line((Text(image_text(block)),)))
        case Preformatted(value):
            return Paragraph(line((Code(" ".join(value.split())),)))
