"""Inlines as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.flattening.scripts import subscript, superscript, with_fractions
from pipeline.model.article import (
    Abbreviation,
    Code,
    Deleted,
    Image,
    Inline,
    LineBreak,
    Marker,
    Subscript,
    Superscript,
    Text,
)
from pipeline.wording import ENGLISH, Words

_GONE = "\0"  # where something was struck out: no text of an article holds it
_SPACE_AFTER = re.compile(r"(?:^|(?<=[\s\0]))\0 ")
_SPACE_BEFORE = re.compile(r" \0++(?=[.,;:!?)\]\n]|$)")


def inlines_text(inlines: Iterable[Inline], *, markers: bool = True, words: Words = ENGLISH) -> str:
    """Return inlines as text, with line breaks as newlines and, if wanted, reference markers as `[2,5]`."""
    return with_fractions(_closed("".join(_texts(inlines, markers, words))))


def line_of(inlines: Iterable[Inline]) -> str:
    """Return one line without reference markers and footnotes' letters, for titles and summaries."""
    return " ".join(inlines_text(inlines, markers=False).split())


def image_text(image: Image, words: Words = ENGLISH) -> str:
    """Return `[Image: what it shows] Caption Credit`, or "" for an image without any of these, as text browsers do.

    An empty description marks decoration (HTML, section 4.8.4.4.4), and an address means nothing to a reader.
    """
    caption, credit = image.caption or "", image.credit or ""
    shows = image_label(image.alt, words) if image.alt not in caption else ""
    return " ".join(part for part in (shows, caption, credit if credit not in caption else "") if part)


def image_label(description: str, words: Words = ENGLISH) -> str:
    """Return what stands in a text in place of an image."""
    return words.say("[Image: {description}]", description=description)


def _texts(inlines: Iterable[Inline], markers: bool, words: Words) -> Iterator[str]:
    for inline in inlines:
        match inline:
            case Text(value) | Code(value):
                yield value
            case LineBreak():
                yield "\n"
            case Marker(numbers):
                yield f"[{','.join(map(str, numbers))}]" if markers else _GONE
            case Image():
                yield image_text(inline, words)
            case Deleted():
                yield _GONE
            case Superscript(note=True) if not markers:
                yield _GONE
            case Superscript(children):
                yield superscript(_closed("".join(_texts(children, markers, words))))
            case Subscript(children):
                yield subscript(_closed("".join(_texts(children, markers, words))))
            case Abbreviation(children, expansion):
                yield f"{''.join(_texts(children, markers, words))} ({expansion})"
            case _:
                yield "".join(_texts(inline.children, markers, words))


def _closed(text: str) -> str:
    """Close gaps left by what is not shown: of two spaces around it, one is removed."""
    if _GONE not in text:
        return text
    return _SPACE_BEFORE.sub("", _SPACE_AFTER.sub("", text)).replace(_GONE, "")
