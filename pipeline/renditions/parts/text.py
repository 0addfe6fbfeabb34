"""Characters: what may leave in XML, HTML and JSON alike, and how it is escaped."""

from __future__ import annotations

import html
import re

# XML 1.0 (section 2.2) forbids C0 controls, surrogates, U+FFFE and U+FFFF; HTML (section 13.2.3.5) also C1 controls and
# the other noncharacters. An Article promises none of these; a citation or a setting does not.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)


def clean(text: str) -> str:
    """The text without characters that XML 1.0 or HTML forbid."""
    return text if text.isascii() and text.isprintable() else _FORBIDDEN.sub("", text)


def escape(text: str) -> str:
    """The text for HTML, in an element or in a quoted attribute alike."""
    return html.escape(clean(text))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a plain text in which empty lines part them."""
    return [part for part in (piece.strip() for piece in re.split(r"\n[ \t]*\n", text)) if part]
