"""Spans of text from which citations are built, each as plain text and as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from msgspec import Struct

from pipeline.citations.links import is_web_address
from pipeline.flattening.scripts import subscript, superscript, with_fractions


class Span(Struct, frozen=True):
    """A run of text. `markup` is the same text as HTML, of the five elements that a title may hold."""

    text: str
    href: str | None = None
    italic: bool = False
    markup: str | None = None


Spans = tuple[Span, ...]


def as_text(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


def as_html(spans: Iterable[Span]) -> str:
    """Return escaped HTML with absolute links and only the elements a, i, b, u, sub and sup."""
    return "".join(_span_html(span) for span in spans)


def _span_html(span: Span) -> str:
    inner = span.markup if span.markup and is_safe_markup(span.markup) else html.escape(span.text, quote=False)
    if span.italic:
        inner = f"<i>{inner}</i>"
    if span.href and is_web_address(span.href):
        inner = f'<a href="{html.escape(span.href)}">{inner}</a>'
    return inner


_TAG = re.compile(r"<(/?)(i|b|u|sub|sup)>")
_TEXT = re.compile(r"(?:[^<>&]|&(?:amp|lt|gt|quot|#\d+|#x[0-9A-Fa-f]+);)*")


def is_safe_markup(markup: str) -> bool:
    """Return whether this is only escaped text with well-nested i, b, u, sub and sup without attributes."""
    open_tags: list[str] = []
    position = 0
    for tag in _TAG.finditer(markup):
        if not _TEXT.fullmatch(markup, position, tag.start()):
            return False
        position = tag.end()
        if not tag[1]:
            open_tags.append(tag[2])
        elif not open_tags or open_tags.pop() != tag[2]:
            return False
    return not open_tags and _TEXT.fullmatch(markup, position) is not None


def markup_text(markup: str) -> str:
    """Return safe markup as text with the same meaning: `10<sup>9</sup>` becomes `10⁹`."""
    open_tags: list[tuple[str, list[str]]] = [("", [])]
    position = 0
    for tag in _TAG.finditer(markup):
        open_tags[-1][1].append(html.unescape(markup[position : tag.start()]))
        position = tag.end()
        if not tag[1]:
            open_tags.append((tag[2], []))
        else:
            name, parts = open_tags.pop()
            write = {"sup": superscript, "sub": subscript}.get(name, str)
            open_tags[-1][1].append(write("".join(parts)))
    return with_fractions("".join([*open_tags[0][1], html.unescape(markup[position:])]))


def spaced(groups: Iterable[Spans]) -> Spans:
    """Join the groups that are not empty with a space."""
    joined: list[Span] = []
    for group in groups:
        if as_text(group):
            joined += [Span(" "), *group] if joined else group
    return tuple(joined)
