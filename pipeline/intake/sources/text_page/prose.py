"""Find the runs of prose in a page saved as text, which are the article and what else the page says at length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.intake.fields.text import same
from pipeline.intake.sources.text_page.head_lines import is_credit
from pipeline.intake.sources.text_page.lines import Piece, Words

_SENTENCE = re.compile(r"[.!。！।](?:[\"'”’»)\]]|\[\d+\])*$")
_LONG = 160  # characters: a longer line is prose, whatever it ends with
_NEAR = 8  # consecutive pieces without prose that end a text
_PARAGRAPH = 80  # characters: a cookie notice is shorter, and so may be what precedes the text
_FIRST_WITHIN = 40  # pieces of a run in which its first whole paragraph is, after captions


@dataclass(frozen=True)
class Stretch:
    """A run of prose: where it starts and ends, where its first whole paragraph is, and its characters."""

    start: int
    end: int
    text: int
    size: int


def stretches(pieces: Sequence[Piece]) -> list[Stretch]:
    """Return the runs of prose. Menus and teasers break a run; headings and lists do not."""
    found: list[Stretch] = []
    start, last, size = 0, -_NEAR, 0
    for place, piece in enumerate(pieces):
        if not is_prose(piece) or _is_consent(piece):
            continue
        if place - last >= _NEAR:
            if size:
                found.append(Stretch(start, last + 1, _first_paragraph(pieces, start), size))
            start, size = place, 0
        last, size = place, size + len(text_of(piece))
    return [*found, Stretch(start, last + 1, _first_paragraph(pieces, start), size)] if size else found


def _first_paragraph(pieces: Sequence[Piece], start: int) -> int:
    near = range(start, min(start + _FIRST_WITHIN, len(pieces)))
    long = (place for place in near if len(text_of(pieces[place])) >= _PARAGRAPH and not is_caption(pieces, place))
    return next((place for place in long if is_prose(pieces[place])), start)


def prose_in(pieces: Sequence[Piece], stretch: Stretch) -> Iterator[Piece]:
    return filter(is_prose, pieces[stretch.start : stretch.end])


def is_prose(piece: Piece) -> bool:
    return isinstance(piece, Words) and (bool(_SENTENCE.search(piece.text)) or len(piece.text) > _LONG)


def _is_consent(piece: Piece) -> bool:
    words = text_of(piece).casefold()
    return "cookies" in words and ("site" in words or "browser" in words)


def is_caption(pieces: Sequence[Piece], place: int) -> bool:
    """Return whether a line is a picture's caption: its credit is at its end, or on the line below it."""
    if is_credit(text_of(pieces[place])):
        return True
    below = [text_of(piece) for piece in pieces[place + 1 : place + 3]]
    if below and same(below[0], text_of(pieces[place])):
        below.pop(0)
    return bool(below) and is_credit(below[0])


def text_of(piece: Piece) -> str:
    return piece.text if isinstance(piece, Words) else " ".join(item.text for item in piece.items)
