"""The words of an article that was read from a page saved as text."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.model.article import Block, BulletList, Note, NumberedList, Paragraph, Section, Text


def words(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(children):
                yield "".join(part.value for part in children if isinstance(part, Text))
            case BulletList(items) | NumberedList(items):
                for item in items:
                    yield from words(item.blocks)
            case Note(_, inside):
                yield from words(inside)
            case _:
                raise AssertionError(f"the page has no {type(block).__name__}")


def all_words(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        yield section.heading
        yield from words(section.blocks)
        yield from all_words(section.sections)
