"""The short answer: the author's summary, or else the first paragraph, which is then not repeated below it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.intake.body import Body
from pipeline.intake.body.inlines import plain
from pipeline.model.article import (
    Block,
    BulletList,
    DefinitionList,
    Image,
    Inline,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Text,
)


@dataclass(frozen=True)
class Answer:
    text: str  # without reference markers; empty where neither summary nor body says anything
    marked: tuple[Inline, ...]  # what its paragraph shows beyond that text: emphasis, links, markers
    lead: tuple[Block, ...]  # what is left of the body's lead


def answer_of(summary: str | None, body: Body) -> Answer:
    """Return the answer and the lead, without a first paragraph that repeats the summary; its marks go to the answer.

    Images may come before it. Below a heading it stays where it is, because a section would lose its beginning.
    """
    text = summary or _text_in(body.lead) or _text_in_sections(body.sections) or ""
    first = next((n for n, block in enumerate(body.lead) if not isinstance(block, Image)), 0)
    match body.lead[first:]:
        case (Paragraph(children), *rest) if plain(children) == text:
            only_text = len(children) == 1 and isinstance(children[0], Text)
            return Answer(text, () if only_text else children, (*body.lead[:first], *rest))
    return Answer(text, (), body.lead)


def _text_in_sections(sections: tuple[Section, ...]) -> str | None:
    for section in sections:
        if text := _text_in(section.blocks) or _text_in_sections(section.sections):
            return text
    return None


def _text_in(blocks: tuple[Block, ...]) -> str | None:
    return next(filter(None, map(_first_text, blocks)), None)


def _first_text(block: Block) -> str | None:
    match block:
        case Paragraph(children):
            return plain(children) or None
        case BulletList(items) | NumberedList(items):
            return next(filter(None, (_text_in(item.blocks) for item in items)), None)
        case DefinitionList(definitions):
            descriptions = (blocks for one in definitions for blocks in one.descriptions)
            return next(filter(None, map(_text_in, descriptions)), None)
        case Quotation(inside) | Note(_, inside):
            return _text_in(inside)
        case _:
            return None
