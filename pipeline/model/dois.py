"""DOIs as people write them: in sentences, with labels, and in the addresses of resolvers and of publishers' pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

DOI = re.compile(r"10\.\d{4,9}(?:/|%2F)[^\s\"]{1,500}", re.IGNORECASE)
_INNER = re.compile(r"https?://\S*?(?=10\.\d{4,9}/)", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(?:https?:|//|www\.|\bdoi\.org/|dx\.)\S*$", re.IGNORECASE)
_BEFORE = 300  # characters before a DOI in which its address begins
_VIEWS = re.compile(
    r"(?:/(?:full|abstract|pdf|epdf|pdfdirect|html|meta|summary|references|full-?text|tables|figures|supplementary-material)"
    r"|\.(?:full|abstract|pdf|html?|short|long|article-info)(?:\.pdf|-text)?|/)+$",
    re.IGNORECASE,
)
_VERSION_OF_PREPRINT = re.compile(r"(10\.1101/[\d.]+?)v\d{1,2}")


def dois_in(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield where a text has DOIs, and each DOI as it is compared. An address within another's DOI is left out."""
    for match in DOI.finditer(text):
        if not _INNER.search(match[0]):
            before = text[max(0, match.start() - _BEFORE) : match.start()]
            yield match, doi(match[0], in_address=_IN_ADDRESS.search(before) is not None)


def doi(value: str, *, in_address: bool) -> str:
    """Return a DOI as it is compared: unquoted, in lower case, without what an address or a sentence adds to it."""
    if in_address:
        value = re.split(r"[?#&]", value, maxsplit=1)[0]
    printable = (one for one in unquote(value) if one.isprintable() and not one.isspace())
    value = trimmed(unicodedata.normalize("NFC", "".join(printable)))
    if in_address:
        value = _VIEWS.sub("", value)
    if match := _VERSION_OF_PREPRINT.match(value):
        value = match[1]
    return trimmed(value).rstrip("/").lower()


def trimmed(value: str) -> str:
    """Remove trailing sentence punctuation, keeping a closing bracket that was opened inside the value."""
    value = value.rstrip(".,;:'\"”’")
    while value.endswith((")", "]")) and value.count(value[-1]) > value.count("(" if value[-1] == ")" else "["):
        value = value[:-1].rstrip(".,;:'\"”’")
    return value
