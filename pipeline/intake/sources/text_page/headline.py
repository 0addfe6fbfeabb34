"""Find the headline of a page saved as text: menus and logos are above it, and the text refers to it.

A wrong headline is worse than none, so a line is taken only if two things point to it: the text says its words, and
it is repeated above the text, or has a byline below it, or no other line above comes close.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.text import same
from pipeline.intake.sources.text_page.head_lines import is_byline, is_furniture
from pipeline.intake.sources.text_page.lines import Piece, Words
from pipeline.intake.sources.text_page.prose import Stretch, is_prose, prose_in, stretches, text_of

_QUOTE = re.compile(r"[\"“„«].*[.!。][\"”“»]")  # somebody's words, whole
_CRUMBS = re.compile(r" [>»›/] .* [>»›/] ")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_STEM = 6  # letters that two forms of a word have in common
_MOST = 200  # characters of a headline
_MOST_WITH_STOP = 110  # … of one that ends with a full stop
_ABOVE = 40  # pieces above a text in which its headline is
_BYLINE_WITHIN = 3  # pieces below a headline
_TITLE_WORDS = 3  # words of a line that can be repeated above the text, which "Read later" may be too
_MENU_ENTRY = 40  # characters: a list with a longer item is no menu
_LINE_WORDS = 6  # significant words of a line that is no name and no label
_SAME_SIZE = 3  # a text of at least a third of the longest one's size may be the article
_FEWEST = 3  # significant words that a headline and its text share
_SHARED = 0.6  # share of a headline's significant words that the text has too
_CLEARLY = 1.5  # times as high as the next score
_SIGNED_WITHIN = 15  # pieces from a headline with a byline to the text that says few of its words
_LISTED, _FEW_DATES = 20, 2  # more dated lines than this in so many pieces are a list
_UNRELATED = 0.3  # share that a line of another story has by chance
_REPEATED_WITHIN = 12  # pieces


@dataclass(frozen=True)
class Headline:
    """The places of the headline and of the text below it."""

    place: int
    text: int


def find_headline(pieces: Sequence[Piece]) -> Headline:
    """Return where the headline is. Raises InvalidValue `headline-not-found` unless one line certainly is it."""
    found = stretches(pieces)
    longest = max(found, key=lambda one: one.size, default=Stretch(len(pieces), len(pieces), len(pieces), 0))
    text_words = {word for one in found for word in _words_of(pieces, one)}
    lines = [place for place in range(longest.text) if _significant(text_of(pieces[place])) & text_words]
    repeated = next((place for place in lines if repeated_at(pieces, place) is not None), None)
    if repeated is not None:
        return Headline(repeated, longest.text)
    if alone := _alone(pieces, longest):
        return alone
    for stretch in sorted(found, key=lambda one: -one.size):
        if stretch.size * _SAME_SIZE < longest.size:
            break
        place = _certain(pieces, stretch)
        if place is not None:
            return Headline(_without_crumbs(pieces, place), stretch.text)
    raise _not_found(pieces[_first_line(pieces)])


def repeated_at(pieces: Sequence[Piece], place: int) -> int | None:
    """Return the place where the same line is repeated soon after, above the text.

    Sites put a summary between the two.
    """
    line = text_of(pieces[place])
    if len(line.split()) < _TITLE_WORDS or not _could_be(pieces[place]):
        return None
    near = range(place + 1, min(place + _REPEATED_WITHIN, len(pieces) - 1))
    again = next((other for other in near if same(text_of(pieces[other]), line)), None)
    return again if again is not None and is_prose(pieces[again + 1]) else None


def _alone(pieces: Sequence[Piece], longest: Stretch) -> Headline | None:
    """Return the first line if nothing but its text follows it: a file that begins with its title, as is asked for."""
    first = _first_line(pieces)
    text = pieces[first]
    if first or not isinstance(text, Words) or not _can_be_headline(text) or is_furniture(text.text):
        return None
    begins = 0 if not longest.size else longest.start if longest.start > first else longest.text
    between = pieces[first + 1 : begins]
    if any(is_prose(text) or not _is_below_headline(piece) for piece in between):
        return None
    return Headline(first, max(first + 1, longest.text if longest.size else 0))


def _is_below_headline(piece: Piece) -> bool:
    if isinstance(piece, Words):
        return is_furniture(piece.text)
    return any(len(item.text) > _MENU_ENTRY for item in piece.items)


def _words_of(pieces: Sequence[Piece], stretch: Stretch) -> set[str]:
    return {word for piece in prose_in(pieces, stretch) for word in _significant(text_of(piece))}


def _certain(pieces: Sequence[Piece], stretch: Stretch) -> int | None:
    """Return the line above a stretch of prose that is certainly its headline, or None."""
    text_words = _words_of(pieces, stretch)
    above = range(max(0, stretch.text - _ABOVE), stretch.text)
    lines = [place for place in above if _could_be(pieces[place])]
    scores = {place: _score(_significant(text_of(pieces[place])), text_words) for place in lines}
    signed = [place for place in lines if _is_signed(pieces, place, text_words)]
    near = [place for place in signed if scores[place] or stretch.text - place <= _SIGNED_WITHIN]
    place = next((one for one in reversed(near) if _share(pieces[one], text_words) > _UNRELATED), None)
    if place is None:
        place = _outstanding(pieces, scores, text_words, stretch.text)
    return None if place is None else _without_deck(pieces, place, lines, text_words)


def _outstanding(pieces: Sequence[Piece], scores: dict[int, float], text_words: set[str], text: int) -> int | None:
    """Return the line that the text repeats much more than any other, if nothing but small lines follows it."""
    ranked = sorted(scores.items(), key=lambda one: one[1], reverse=True)[:2]
    if not ranked or not ranked[0][1] or (len(ranked) > 1 and ranked[0][1] < _CLEARLY * ranked[1][1]):
        return None
    place = ranked[0][0]
    return place if all(_is_small(piece, text_words) or is_prose(piece) for piece in pieces[place + 1 : text]) else None


def _without_deck(pieces: Sequence[Piece], place: int, lines: Sequence[int], text_words: set[str]) -> int | None:
    """Return the headline, given it or the deck below it; None if they cannot be distinguished."""
    longer = [other for other in lines if other < place and not _is_small(pieces[other], text_words)]
    if not longer or not all(_is_small(piece, text_words) for piece in pieces[longer[-1] + 1 : place]):
        return place
    share = _share(pieces[longer[-1]], text_words)
    if share <= _UNRELATED:
        return place
    if share < _SHARED or len(_significant(text_of(pieces[longer[-1]]))) <= _FEWEST:  # such as "BLACK DEATH FEARS"
        return None
    return _without_deck(pieces, longer[-1], lines, text_words)


def _without_crumbs(pieces: Sequence[Piece], place: int) -> int:
    """Return the headline itself, given it or the line of crumbs above it that ends with it."""
    for below in range(place + 1, min(place + 1 + _BYLINE_WITHIN, len(pieces))):
        words = text_of(pieces[below])
        if len(words.split()) >= _TITLE_WORDS and text_of(pieces[place]).endswith(words):
            return below
    return place


def _is_small(piece: Piece, text_words: set[str]) -> bool:
    """Return whether a piece, such as a name or a label, may come between a headline, its deck and its text."""
    if not isinstance(piece, Words):
        return False
    if len(piece.text.split()) < _TITLE_WORDS or is_furniture(piece.text):
        return True
    return len(_significant(piece.text)) < _LINE_WORDS and _share(piece, text_words) <= _UNRELATED


def _is_signed(pieces: Sequence[Piece], place: int, text_words: set[str]) -> bool:
    """Return whether a byline or a date follows soon. Among many of them are teasers and readers' comments."""
    dated = sum(is_byline(text_of(piece)) for piece in pieces[max(0, place - _LISTED) : place])
    if dated > _FEW_DATES or _is_small(pieces[place], text_words) or (place and is_byline(text_of(pieces[place - 1]))):
        return False
    for below in range(place + 1, min(place + 1 + _BYLINE_WITHIN, len(pieces))):
        if is_byline(text_of(pieces[below])):
            return True
        if not _is_small(pieces[below], text_words):
            return False
    return False


def _share(piece: Piece, text_words: set[str]) -> float:
    """Return the share of a line's significant words that the text has too; none if only one is."""
    words = _significant(text_of(piece))
    shared = len(words & text_words)
    return shared / len(words) if shared > 1 else 0.0


def _score(words: set[str], text_words: set[str]) -> float:
    shared = len(words & text_words)
    return shared * shared / len(words) if shared >= max(_FEWEST, _SHARED * len(words)) else 0


def _not_found(piece: Piece) -> InvalidValue:
    return InvalidValue(
        "no line is certainly the headline of the text",
        code="headline-not-found",
        hint="put the title on the first line and delete what is above it, or name that in `[intake] drop`",
        line=piece.line,
    )


def _first_line(pieces: Sequence[Piece]) -> int:
    return next((place for place, piece in enumerate(pieces) if isinstance(piece, Words)), 0)


def _can_be_headline(piece: Piece) -> bool:
    if not isinstance(piece, Words) or piece.lines > 2 or _QUOTE.fullmatch(piece.text):
        return False
    return len(piece.text) <= (_MOST_WITH_STOP if is_prose(piece) else _MOST)


def _could_be(piece: Piece) -> bool:
    if not _can_be_headline(piece) or not isinstance(piece, Words) or " " not in piece.text:
        return False
    first = next((character for character in piece.text if character.isalnum()), "")
    return not (first.islower() or is_furniture(piece.text) or _CRUMBS.search(piece.text))


def _significant(text: str) -> set[str]:
    return {word.casefold()[:_STEM] for word in _LONG_WORD.findall(text)}
