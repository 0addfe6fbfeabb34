"""The numbers, letters and Roman numerals of a list's items."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.model.article import NumberedList, NumberStyle

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def labels(numbered: NumberedList) -> list[str]:
    """Return the label of each item: `3.`, `c.`, `iv.`."""
    return [f"{_numeral(number, numbered.style)}." for number in _numbers(numbered)]


def _numbers(numbered: NumberedList) -> Iterator[int]:
    """Return the items' numbers. Each continues from the one before it (HTML, section 4.4.8, "ordinal value")."""
    number, step = numbered.start, -1 if numbered.reversed else 1
    for item in numbered.items:
        number = number if item.number is None else item.number
        yield number
        number += step


def _numeral(number: int, style: NumberStyle) -> str:
    """Return a number in a style, or in digits if the style cannot express it, as browsers do."""
    text = str(number)
    if style in ("a", "A") and number > 0:
        text = letters(number)
    elif style in ("i", "I") and 0 < number < 4000:
        text = _roman(number)
    return text.upper() if style in ("A", "I") else text


def letters(number: int) -> str:
    """Return a number as letters: a … z, aa, ab …"""
    out = ""
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(ord("a") + rest) + out
    return out


def _roman(number: int) -> str:
    out = ""
    for value, numeral in _ROMAN:
        count, number = divmod(number, value)
        out += numeral * count
    return out
