"""Blocks and sections as text: paragraphs are separated by empty lines, and the contents of blocks indented."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.flattening.inlines import image_text, inlines_text
from pipeline.flattening.numbering import labels
from pipeline.flattening.tables import table_text
from pipeline.model.article import (
    Block,
    BulletList,
    Definition,
    DefinitionList,
    Image,
    ListItem,
    Note,
    NumberedList,
    Paragraph,
    Preformatted,
    Quotation,
    Section,
    Table,
)
from pipeline.wording import ENGLISH, Words, message

NOTE_LABELS = {
    "important": message("Important"),
    "warning": message("Warning"),
    "urgent": message("When to seek urgent care"),
    "info": message("Note"),
}


def sections_text(sections: Iterable[Section], words: Words = ENGLISH) -> str:
    """Return sections of any depth as text, with each heading on its own line."""
    parts: list[str] = []
    for section in sections:
        parts += [section.heading, blocks_text(section.blocks, words), sections_text(section.sections, words)]
    return "\n\n".join(part for part in parts if part)


def blocks_text(blocks: Iterable[Block], words: Words = ENGLISH) -> str:
    """Return the blocks separated by empty lines; empty ones are left out."""
    return "\n\n".join(text for block in blocks if (text := _block_text(block, words)))


def note_label(note: Note, words: Words = ENGLISH) -> str:
    """Return a note's kind in words, or "" if its text begins with them."""
    label = words.translated(NOTE_LABELS[note.kind])
    return "" if _first_words(note.blocks).lstrip().casefold().startswith(label.casefold()) else label


def _first_words(blocks: Sequence[Block]) -> str:
    """Return the first line of text at any depth, found by descending, because notes may contain notes."""
    while blocks:
        match blocks[0]:
            case Paragraph(children):
                return inlines_text(children)
            case Quotation(inner) | Note(_, inner):
                blocks = inner
            case _:
                return ""
    return ""


def _block_text(block: Block, words: Words) -> str:
    match block:
        case Paragraph(children):
            return inlines_text(children, words=words)
        case BulletList(items):
            return "\n".join(_item_text("-", item, words) for item in items)
        case NumberedList(items):
            return "\n".join(_item_text(label, item, words) for label, item in zip(labels(block), items, strict=True))
        case DefinitionList(items):
            return "\n".join(_definition_text(item, words) for item in items)
        case Table():
            return table_text(block, words)
        case Quotation(inner, source):
            quoted = blocks_text(inner, words)
            return "\n— ".join(part for part in (f"“{quoted}”" if quoted else "", source) if part)
        case Note():
            return _labelled(note_label(block, words), blocks_text(block.blocks, words))
        case Image():
            return image_text(block, words)
        case Preformatted(value):
            return _indented(f"    {value}", 4)


def _labelled(label: str, text: str) -> str:
    """Return `Important: one line.`, or the label on its own line with the text indented below it."""
    if not text:
        return ""
    if not label:
        return _indented(text, 2)
    return f"{label}:\n  {_indented(text, 2)}" if "\n" in text else f"{label}: {text}"


def _definition_text(definition: Definition, words: Words) -> str:
    """Return `Adults: 10 mg`. Terms that share a description are joined; each of several descriptions takes a line."""
    terms = " / ".join(text for term in definition.terms if (text := inlines_text(term, words=words)))
    descriptions = [text for blocks in definition.descriptions if (text := blocks_text(blocks, words))]
    if not terms:
        return "\n".join(f"  {_indented(text, 2)}" for text in descriptions)
    return (
        "\n".join([f"{terms}:", *(f"  {_indented(text, 2)}" for text in descriptions)])
        if len(descriptions) > 1
        else (_labelled(terms, descriptions[0]) if descriptions else terms)
    )


def _item_text(mark: str, item: ListItem, words: Words) -> str:
    if item.checked is not None:
        mark = f"{mark} [{'x' if item.checked else ' '}]"
    text = _tight(item.blocks, words)
    return f"{mark} {_indented(text, len(mark) + 1)}" if text else mark


def _tight(blocks: Sequence[Block], words: Words) -> str:
    """Return an item's blocks. There is no empty line between a list and the line that introduces it."""
    out, before = "", None
    for block in blocks:
        if text := _block_text(block, words):
            close = isinstance(before, Paragraph) and isinstance(block, BulletList | NumberedList)
            out += f"{'' if not out else chr(10) if close else chr(10) * 2}{text}"
            before = block
    return out


def _indented(text: str, width: int) -> str:
    """Indent every line but the first and empty ones."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * width + line if line else line for line in rest)])
