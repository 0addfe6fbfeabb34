"""The characters that XML, HTML and JSON all allow, and escaping."""

from __future__ import annotations

import html
import re

# XML 1.0 (section 2.2) forbids C0 controls, surrogates, U+FFFE and U+FFFF; HTML (section 13.2.3.5) also C1 controls and
# the other noncharacters. An Article promises none of these; a citation or a setting does not.
# What is allowed is listed, because `re` then finds each ordinary character in the first range: nine times as fast.
_BEYOND = "".join(f"{chr(plane << 16)}-{chr(plane << 16 | 0xFFFD)}" for plane in range(1, 17))
_FORBIDDEN = re.compile(f"[^\t\n\r -~\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{_BEYOND}]")
_BEFORE_A_UNIT = re.compile(
    r"(?:[0-9⁰¹²³⁴-⁹½⅓⅔¼¾⅕-⅞][.,)]*|[×±<>≤≥=/–-]|\b(?:to|and|not|no|than|up|at|most|least|more))$"
)


def clean(text: str) -> str:
    """Return the text without characters that XML 1.0 or HTML forbid."""
    return text if text.isascii() and text.isprintable() else _FORBIDDEN.sub("", text)


def escape(text: str) -> str:
    """Escape the text for HTML, in elements and quoted attributes."""
    return html.escape(clean(text))


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a plain text, which are separated by empty lines."""
    return [part for part in (piece.strip() for piece in re.split(r"\n[ \t]*\n", text)) if part]


def cut(text: str, limit: int) -> str:
    """Return the text on one line, or its first `limit` characters at most and an ellipsis.

    It is cut between words, and not between a number, or what qualifies it, and its unit. Where that would leave less
    than half, it is cut at the limit.
    """
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    end = line.rfind(" ", 0, limit + 1)
    while end > 0 and _BEFORE_A_UNIT.search(line, max(0, end - 40), end):
        end = line.rfind(" ", 0, end)
    return line[: end if end > limit // 2 else limit].rstrip(" ,;:") + "…"
