"""Plain-text fields with a little markup in them: `Platelets below 50 × 10<sup>9</sup>/L` in a title.

Only elements that change the meaning of a text are read as markup; every other `<` is literal, as in "p < 0.05".
"""

from __future__ import annotations

import re
from html import escape

from pipeline.intake.body.inlines import Reading, inlines_in, marked, plain, tidy
from pipeline.intake.body.sanitise import sanitised
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.values import text_line
from pipeline.model.article import Inline, Text

_TAG = re.compile("<(/?)(sup|sub|del|s|strike|ins|em|i|strong|b|q)>", re.IGNORECASE)


def marked_line(value: object) -> tuple[str, tuple[Inline, ...]]:
    """Return a field's line as text and, if it has superscripts or similar marks, as inlines. Raises InvalidValue."""
    inlines = _inlines_of(text_line(value))
    text = plain(inlines)
    if not text:
        raise InvalidValue("all of the text is struck out", hint="write what holds, or leave the field out")
    return text, marked(inlines)


def flat_line(value: object) -> str:
    """Return a field's line as text. Raises InvalidValue."""
    return marked_line(value)[0]


def flat(text: str) -> str:
    """Return the text with superscripts as characters and without struck-out parts."""
    return plain(_inlines_of(text))


def _inlines_of(text: str) -> tuple[Inline, ...]:
    """Return the inlines, or the whole as one text if it has no elements or a tag is unbalanced."""
    text = text.replace("&frasl;", "\u2044")
    if not _is_balanced(text):
        return (Text(text),)
    end, parts = 0, []
    for tag in _TAG.finditer(text):
        parts += [escape(text[end : tag.start()], quote=False), tag[0].lower()]
        end = tag.end()
    html = "".join([*parts, escape(text[end:], quote=False)])
    return tidy(inlines_in(sanitised(html), Reading()), Reading())


def _is_balanced(text: str) -> bool:
    open_tags: list[str] = []
    found = False
    for tag in _TAG.finditer(text):
        found = True
        if not tag[1]:
            open_tags.append(tag[2].lower())
        elif not open_tags or open_tags.pop() != tag[2].lower():
            return False
    return found and not open_tags
