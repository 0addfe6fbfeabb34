"""Texts that are no markup but hold a little all the same: `Platelets below 50 × 10<sup>9</sup>/L` in a title.

Only elements that change what a text says are read as such; every other `<` is the author's own, as in "p < 0.05".
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
    """A field's one line as text and, where it has superscripts and the like, as inlines. Raises InvalidValue."""
    inlines = _inlines_of(text_line(value))
    text = plain(inlines)
    if not text:
        raise InvalidValue("all of the text is struck out", hint="write what holds, or leave the field out")
    return text, marked(inlines)


def flat_line(value: object) -> str:
    """A field's one line as text. Raises InvalidValue."""
    return marked_line(value)[0]


def flat(text: str) -> str:
    """The text with superscripts as characters and without what was struck out."""
    return plain(_inlines_of(text))


def _inlines_of(text: str) -> tuple[Inline, ...]:
    """The whole as one text where no element stands in it, or a tag has no mate."""
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
