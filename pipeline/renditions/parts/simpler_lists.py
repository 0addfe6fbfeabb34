"""Lists as simpler blocks, for formats whose own lists cannot express these."""

from __future__ import annotations

from pipeline.model.article import (
    Block,
    BulletList,
    Definition,
    DefinitionList,
    Inline,
    ListItem,
    Paragraph,
    Strong,
    Text,
)


def with_label(label: str, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return the blocks of an item, preceded by its number (`3.`), on the same line if they begin with one."""
    match blocks:
        case (Paragraph(children), *rest):
            return (Paragraph((Text(f"{label} "), *children)), *rest)
        case _:
            return (Paragraph((Text(label),)), *blocks)


def definitions_as_bullets(definitions: DefinitionList) -> BulletList:
    """Return an item for each definition: its terms in bold, a colon, and their descriptions."""
    return BulletList(tuple(ListItem(_item(definition)) for definition in definitions.items))


def _item(definition: Definition) -> tuple[Block, ...]:
    terms: list[Inline] = []
    for term in definition.terms:
        terms += [Text(" / ") for _ in terms[:1]] + [Strong(term)]
    match definition.descriptions:
        case ((Paragraph(children), *rest), *more):
            first: tuple[Inline, ...] = (*terms, Text(": "), *children) if terms else children
            return (Paragraph(first), *rest, *(block for blocks in more for block in blocks))
        case descriptions:
            blocks = [block for inner in descriptions for block in inner]
            return (Paragraph((*terms, Text(":"))) if terms else Paragraph(()), *blocks)
