"""Clean strings for the model: NFC, without control characters, never only white space."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# What is kept is listed, because `re` then finds each ordinary character in the first range: nine times as fast.
_BEYOND = "".join(f"{chr(plane << 16)}-{chr(plane << 16 | 0xFFFD)}" for plane in range(1, 17))  # no noncharacters
_DROPPED = re.compile(
    "[^\t-\r -~\x85\xa0-\u202c"  # no control characters that no markup may hold
    "\u202f-\u2069"  # no bidi overrides, which display text in a different order from the one it is read in
    "\u2070-\ufdcf\ufdf0-\ufefe"  # no deprecated format characters, noncharacters, byte-order marks
    f"\uff00-\ufff8\ufffc\ufffd{_BEYOND}]"  # no annotations
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_NEWLINES = re.compile("\r\n?|[\x85\u2028\u2029]")
_SPACE_CONTROLS = re.compile("[\x0b\x0c]")
_SPACES = re.compile("[ \t\n\r]+")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
_EMBEDDINGS = re.compile("[\u202a-\u202c]")
_ISOLATES = re.compile("[\u2066-\u2069]")
_MAX_MARKS = 30  # UAX #15, stream-safe text: no writing system needs more combining marks on one letter


def clean(text: str) -> str:
    """Normalise to NFC and "\\n", without controls, noncharacters, bidi overrides and unclosed bidi embeddings.

    Ordinary right-to-left and left-to-right marks, joiners and balanced isolates are kept. A lone surrogate becomes
    U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SPACE_CONTROLS.sub(" ", _NEWLINES.sub("\n", text))
    text = _SURROGATES.sub("\ufffd", _DROPPED.sub("", text))
    return _balanced(_nfc(text))


def stripped_of_controls(text: str) -> str:
    """Remove from a whole file's text what `clean` removes, keeping its lines as they are."""
    return _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str) -> str:
    """Clean a text and put it on one line with single spaces; "" if nothing visible is left."""
    joined = _SPACES.sub(" ", clean(text)).strip()
    return "" if is_blank(joined) else joined


def paragraphs(text: str) -> str:
    """Clean plain text, with its paragraphs separated by "\\n\\n" and each on one line."""
    parts = (line(part) for part in _BLANK_LINES.split(clean(text)))
    return "\n\n".join(part for part in parts if part)


def is_blank(text: str) -> bool:
    """Return whether a reader would see nothing: only white space, zero-width and format characters."""
    return all(c.isspace() or unicodedata.category(c) == "Cf" for c in text)


def same(one: str, other: str) -> bool:
    """Return whether two texts are equal apart from case and white space."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _nfc(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return text
    # Reordering marks takes quadratic time, so runs are split as UAX #15-D4 says, by U+034F.
    parted = _marks().sub(lambda run: "\u034f".join(_pieces(run[0])), text)
    return unicodedata.normalize("NFC", parted)


def _pieces(run: str) -> list[str]:
    return [run[start : start + _MAX_MARKS] for start in range(0, len(run), _MAX_MARKS)]


@cache
def _marks() -> re.Pattern[str]:
    marks = "".join(chr(c) for c in range(0x300, 0x20000) if unicodedata.combining(chr(c)))
    return re.compile(f"[{re.escape(marks)}]{{{_MAX_MARKS + 1},}}")


def _balanced(text: str) -> str:
    if text.count("\u202a") + text.count("\u202b") != text.count("\u202c"):
        text = _EMBEDDINGS.sub("", text)
    if text.count("\u2066") + text.count("\u2067") + text.count("\u2068") != text.count("\u2069"):
        text = _ISOLATES.sub("", text)
    return text
