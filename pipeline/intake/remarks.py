"""Warnings about an article that was read: what is allowed, but probably not intended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.intake.body.markers import MARKER
from pipeline.model.article import (
    Article,
    Block,
    BulletList,
    Inline,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Table,
    Text,
)
from pipeline.model.reading import ReadWarning

_NUMBER = re.compile(r"\d+")
_MOST = 20  # warnings of one kind


def remarks(article: Article, file: str) -> tuple[ReadWarning, ...]:
    """Return a warning for each marker such as [4] that leads to no reference."""
    missing = dict.fromkeys(found[0] for text in _texts(article) for found in MARKER.finditer(text))
    count = len(article.references)
    there = "there are no references" if not count else f"there {'is' if count == 1 else 'are'} {count}"
    return tuple(
        ReadWarning(
            code="marker-without-reference",
            message=f"the marker {marker} leads to no reference: {there}",
            file=file,
            field="body",
            hint="add the reference, or correct the number",
        )
        for marker in list(missing)[:_MOST]
    )


def _texts(article: Article) -> Iterator[str]:
    yield MARKER.sub(lambda marker: marker[0] if _beyond(marker[1], len(article.references)) else "", article.answer)
    yield from _in_blocks(article.lead)
    yield from _in_sections(article.sections)


def _beyond(inside: str, count: int) -> bool:
    """Return whether a marker in the answer, which is plain text, has a number that no reference has."""
    return any(int(number) > count for number in _NUMBER.findall(inside))


def _in_sections(sections: Iterable[Section]) -> Iterator[str]:
    for section in sections:
        yield from _in_blocks(section.blocks)
        yield from _in_sections(section.sections)


def _in_blocks(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(children):
                yield from _in_inlines(children)
            case BulletList(items) | NumberedList(items):
                for item in items:
                    yield from _in_blocks(item.blocks)
            case Quotation(inside) | Note(_, inside):
                yield from _in_blocks(inside)
            case Table(rows):
                for row in rows:
                    for cell in row:
                        yield from _in_inlines(cell.children)


def _in_inlines(inlines: Iterable[Inline]) -> Iterator[str]:
    for inline in inlines:
        if isinstance(inline, Text):
            yield inline.value
        elif (children := getattr(inline, "children", None)) is not None:
            yield from _in_inlines(children)
