"""Find what is between a headline and its text and belongs to neither: bylines, credits, buttons, counters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.intake.sources.text_page.head_lines import is_byline, is_credit, is_furniture
from pipeline.intake.sources.text_page.headline import Headline
from pipeline.intake.sources.text_page.lines import Piece, Words
from pipeline.intake.sources.text_page.prose import is_caption, is_prose

_SIGNIFICANT = re.compile(r"[^\W\d_]{4,}")
_LABEL_WORDS = 6  # a name or a label has fewer significant words


def signature(pieces: Sequence[Piece], found: Headline) -> set[int]:
    """Return the places of these pieces. A short line beside one of them is a name or a label.

    A sentence is kept, unless it is a picture's caption, and so is the last line before the text: it may be its
    heading.
    """
    between = range(found.place + 1, found.text)
    out = {
        place
        for place in between
        if is_caption(pieces, place) or _is_furniture_or_byline(pieces[place], last=place + 1 == found.text)
    }
    beside = {place for place in between[:-1] if ({place - 1, place + 1} & out) and _is_label(pieces[place])}
    return out | beside


def _is_furniture_or_byline(piece: Piece, *, last: bool) -> bool:
    if not isinstance(piece, Words):
        return all(is_furniture(item.text) for item in piece.items)
    if is_prose(piece):
        return False
    is_heading = last and any(character.isalpha() for character in piece.text)
    return is_byline(piece.text) or is_credit(piece.text) or (not is_heading and is_furniture(piece.text))


def _is_label(piece: Piece) -> bool:
    return isinstance(piece, Words) and not is_prose(piece) and len(_SIGNIFICANT.findall(piece.text)) < _LABEL_WORDS
