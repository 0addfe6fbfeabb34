"""In-text reference markers: [1], [2,5], [3-5]."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.model.article import Inline, Marker, Text

MARKER = re.compile(r"\[(\d{1,4}(?:\s?[,;–-]\s?\d{1,4}){0,99})\]")
_RANGE = re.compile(r"(\d+)(?:\s?[–-]\s?(\d+))?")


def with_markers(text: str, numbering: Sequence[int]) -> Iterator[Inline]:
    """Split a text at its markers. `numbering`: the number in the article of each given reference.

    A bracket with a number that no reference has remains text.
    """
    end = 0
    for match in MARKER.finditer(text) if numbering else ():
        numbers = _numbers(match[1], numbering)
        if numbers is None:
            continue
        if match.start() > end:
            yield Text(text[end : match.start()])
        yield Marker(numbers)
        end = match.end()
    if end < len(text):
        yield Text(text[end:])


def _numbers(inside: str, numbering: Sequence[int]) -> tuple[int, ...] | None:
    found: dict[int, None] = {}
    for part in re.split(r"[,;]", inside):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= len(numbering):
            return None
        found.update(dict.fromkeys(numbering[number - 1] for number in range(first, last + 1)))
    return tuple(found)
