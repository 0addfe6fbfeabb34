"""What a plain-text document must be for any program that opens it."""

from __future__ import annotations

import unicodedata

_LINE_ENDS = {"\r", "\x0b", "\x0c", "\x85"}


def plain_text_findings(body: bytes) -> list[str]:
    """UTF-8 without a byte-order mark, a title with its rule, one newline at the end, and no control characters."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"not UTF-8: {error.reason}"]
    found = [
        f"U+{ord(one):04X} at {place}"
        for place, one in enumerate(text)
        if one in _LINE_ENDS or (unicodedata.category(one) == "Cc" and one not in "\n\t")
    ]
    if text.startswith("\ufeff"):
        found.append("a byte-order mark")
    if not text.endswith("\n") or text.endswith("\n\n"):
        found.append("it does not end in one newline")
    lines = text.split("\n")
    if len(lines) < 2 or not lines[1] or lines[1].strip("="):
        found.append("no rule under the title")
    return found
