"""Lists in simpler blocks, for formats whose own lists cannot say what these say."""

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
    """The blocks of an item with its number (`3.`) in front, in the same line where there is one."""
    match blocks:
        case (Paragraph(children), *rest):
            return (Paragraph((Text(f"{label} "), *children)), *rest)
        case _:
            return (Paragraph((Text(label),)), *blocks)


def definitions_as_bullets(definitions: DefinitionList) -> BulletList:
    """An item for each definition: its terms in bold, a colon, and what they mean."""
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
