"""The HTML that Apple News takes: our own, with every element and attribute outside Apple's subset dropped.

Apple, "Using HTML with Apple News Format" and "Adding an HTML Table". The contents of a dropped element are kept, so
no text is lost.
"""

from __future__ import annotations

import re

import nh3

INLINE_TAGS = frozenset({"a", "strong", "b", "em", "i", "sup", "sub", "del", "s", "code", "samp", "br"})
TEXT_TAGS = INLINE_TAGS | {"p", "ul", "ol", "li", "blockquote", "pre", "footer", "aside"}
TABLE_TAGS = INLINE_TAGS | {"table", "tr", "th", "td"}
TEXT_ATTRIBUTES = {"a": {"href"}}
TABLE_ATTRIBUTES = {"a": {"href"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}

_ABBREVIATION = re.compile('<abbr title="([^"]*)">|</abbr>')
_LONG = 2_000  # characters and escapes
_PIECES = re.compile(rf"<[^<>]*+>|((?:[^<>&]|&[#0-9A-Za-z]{{1,10}};){{{_LONG}}})|(?:[^<>&]|&[#0-9A-Za-z]{{1,10}};)++")
_TEXT = nh3.Cleaner(tags=set(TEXT_TAGS), attributes=TEXT_ATTRIBUTES, link_rel=None)
_TABLE = nh3.Cleaner(tags=set(TABLE_TAGS), attributes=TABLE_ATTRIBUTES, link_rel=None)


def text_html(html: str) -> str:
    """Return HTML for text components with `format` html."""
    return _TEXT.clean(_divided(_expanded(html)))


def table_html(html: str) -> str:
    """Return HTML for `htmltable`: one table, beginning with `<table>`."""
    return _TABLE.clean(_divided(_expanded(html)))


def _divided(html: str) -> str:
    """Put a `wbr`, which nh3 removes, into long texts: it copies the whole text for each escape that it appends."""
    return html if len(html) < _LONG else _PIECES.sub(lambda piece: piece[0] + "<wbr>" * (piece[1] is not None), html)


def _expanded(html: str) -> str:
    """Write what an `abbr` has in its attribute after it in brackets, because Apple has no such element."""
    expansions: list[str] = []

    def expansion_of(tag: re.Match[str]) -> str:
        if tag[1] is not None:
            expansions.append(tag[1])
            return ""
        return f" ({expansions.pop()})"

    return _ABBREVIATION.sub(expansion_of, html)
