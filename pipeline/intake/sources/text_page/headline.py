"""Find the headline of a page saved as text: menus and logos are above it, and the text refers to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.text import same
from pipeline.intake.sources.text_page.lines import Piece, Words

_SENTENCE = re.compile(r"[.!。！।](?:[\"'”’»)\]]|\[\d+\])*$")
_TELLING = re.compile(r"[^\W\d_]{4,}")
_LONG = 160  # characters: a longer line is prose, whatever it ends with
_MOST = 200  # characters of a headline
_NEAR = 8  # consecutive pieces without prose that end a text
_PARAGRAPH = 80  # characters: a cookie notice is shorter, and so may be what precedes the text
_DECK = 3  # pieces from a headline to the line below that expands on it
_FEWEST = 3  # significant words that a headline and its text share
_SHARED = 0.6  # share of a headline's significant words that the text has too
_REPEATED_WITHIN = 12  # pieces


def find_headline(pieces: Sequence[Piece]) -> int:
    """Return the place of the headline. Raises InvalidValue `headline-not-found` if several lines could be it."""
    start = _text_start(pieces)
    lines = [place for place in range(start) if _can_be_headline(pieces[place])]
    if not lines:
        lines = [_first_line(pieces)]
        if len(_text(pieces[lines[0]])) > _MOST:
            raise _not_found(pieces[lines[0]])
    repeated = next((place for place in lines if repeated_at(pieces, place) is not None), None)
    if repeated is not None:
        return repeated
    if len(lines) == 1:
        return lines[0]
    return _best(pieces, lines, start)


def repeated_at(pieces: Sequence[Piece], place: int) -> int | None:
    """Return the place where the same line is repeated soon after, above the text.

    Sites put a summary between the two.
    """
    line = _text(pieces[place])
    if " " not in line or not _can_be_headline(pieces[place]):
        return None
    near = range(place + 1, min(place + _REPEATED_WITHIN, len(pieces) - 1))
    again = next((other for other in near if same(_text(pieces[other]), line)), None)
    return again if again is not None and _is_prose(pieces[again + 1]) else None


def _best(pieces: Sequence[Piece], lines: Sequence[int], start: int) -> int:
    """Return the line that shares most with the text, or one just above it that shares much.

    In the latter case the line that shares most is the deck of the headline.
    """
    said = {word for piece in _prose_from(pieces, start) for word in _telling(_text(piece))}
    scores = [(_score(_telling(_text(pieces[place])), said), place) for place in lines]
    score, place = max(scores)
    if score == 0:
        raise _not_found(pieces[lines[0]])
    return next(other for score, other in scores if score and place - other <= _DECK)


def _score(words: set[str], said: set[str]) -> float:
    shared = len(words & said)
    return shared * shared / len(words) if shared >= max(_FEWEST, _SHARED * len(words)) else 0


def _not_found(piece: Piece) -> InvalidValue:
    return InvalidValue(
        "no line says what the text is about",
        code="headline-not-found",
        hint="put the title on the first line and delete what is above it, or name that in `[intake] drop`",
        line=piece.line,
    )


def _text_start(pieces: Sequence[Piece]) -> int:
    """Return the place where the longest stretch of prose begins.

    Menus and teasers break a stretch; headings and lists do not.
    """
    best, best_size = len(pieces), 0
    start, size, last = 0, 0, -_NEAR
    for place, piece in enumerate(pieces):
        if not _is_prose(piece):
            continue
        if place - last >= _NEAR:
            start, size = place, 0
        size, last = size + len(_text(piece)), place
        if size > best_size:
            best, best_size = start, size
    long = (n for n in range(best, min(best + _NEAR, len(pieces))) if len(_text(pieces[n])) >= _PARAGRAPH)
    return next((n for n in long if _is_prose(pieces[n])), best)


def _prose_from(pieces: Sequence[Piece], start: int) -> Iterator[Piece]:
    last = start
    for place in range(start, len(pieces)):
        if place - last >= _NEAR:
            return
        if _is_prose(pieces[place]):
            last = place
            yield pieces[place]


def _first_line(pieces: Sequence[Piece]) -> int:
    return next((place for place, piece in enumerate(pieces) if isinstance(piece, Words)), 0)


def _is_prose(piece: Piece) -> bool:
    return isinstance(piece, Words) and (bool(_SENTENCE.search(piece.text)) or len(piece.text) > _LONG)


def _can_be_headline(piece: Piece) -> bool:
    return isinstance(piece, Words) and piece.lines <= 2 and len(piece.text) <= _MOST and not _is_prose(piece)


def _telling(text: str) -> set[str]:
    return {word.casefold() for word in _TELLING.findall(text)}


def _text(piece: Piece) -> str:
    return piece.text if isinstance(piece, Words) else " ".join(item.text for item in piece.items)
