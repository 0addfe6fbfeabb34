"""Find the headings of a page saved as text, and their levels, from their surroundings and how they read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.intake.sources.text_page.lines import Piece, Words

_MOST_CHARACTERS = 120
_MOST_WORDS = 18
_NUMBERED = re.compile(r"\d{1,3}[.)]\s+")
_LETTERED = re.compile(r"[A-Z][.)] ")
_WORDS = re.compile(r"[^\W\d_][\w'’.-]*")
_SMALL_WORDS = frozenset({
    "a", "about", "after", "an", "and", "are", "as", "at", "be", "before", "by", "can", "do", "does", "during", "for",
    "from", "have", "how", "i", "if", "in", "into", "is", "isn't", "it", "it's", "its", "may", "my", "near", "not",
    "of", "off", "on", "onto", "or", "over", "per", "should", "so", "such", "than", "that", "the", "this", "to", "up",
    "vs", "via", "was", "when", "while", "will", "with", "within", "without", "you", "your",
})  # fmt: skip


def heading_levels(pieces: Sequence[Piece]) -> dict[int, int]:
    """Return the places of the headings among the pieces, and their levels (2 or 3).

    A section's heading follows two or more blank lines; one after a single blank line, or a numbered one, is a level
    below it. On a page that never has two blank lines, every heading except numbered ones is a section's.
    """
    found = {n: piece for n, piece in enumerate(pieces) if isinstance(piece, Words) and is_heading(piece)}
    counted = {place for place, piece in found.items() if piece.numbered or _LETTERED.match(piece.text)}
    parted = any(piece.gap > 1 and place not in counted for place, piece in found.items())
    return {place: 3 if place in counted or (parted and piece.gap < 2) else 2 for place, piece in found.items()}


def is_heading(words: Words) -> bool:
    """Return whether it is one short line that ends no sentence, in title case or set off by two blank lines."""
    text = _NUMBERED.sub("", words.text) if words.numbered else words.text
    if words.lines > 1 or words.gap == 0 or words.indent > 3 or len(text) > _MOST_CHARACTERS:
        return False
    if text.endswith((".", ":", ";", ",", "…", "：", "。")) or len(text.split()) > _MOST_WORDS:
        return False
    first = next((c for c in text if c.isalnum()), "")
    if not first or first.islower():
        return False
    return words.numbered or _is_title_case(text) or (words.gap > 1 and not text.endswith("!"))


def _is_title_case(text: str) -> bool:
    """Return whether most of the words that a title capitalises are capitalised."""
    words = [word for word in _WORDS.findall(text) if word.lower() not in _SMALL_WORDS]
    if not words or not any(word[0].isupper() for word in words):
        return False
    return sum(not word[0].islower() for word in words) >= 0.7 * len(words)
