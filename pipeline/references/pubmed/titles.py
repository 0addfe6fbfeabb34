"""Read titles complete with their markup, and tell translations from originals."""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from pipeline.references.pubmed.text import marked_up, plain

_BRACKETED = re.compile(r"\[(.*)\](\.?)", re.DOTALL)

_NO_TRANSLATION = "not available"  # given in brackets if NLM has only the original title


class Title(NamedTuple):
    text: str
    html: str | None = None  # only i, b, u, sub and sup
    translated: bool = False


def read_title(element: etree._Element | None, languages: tuple[str, ...], *, vernacular: str = "") -> Title:
    """Read a title, and remove the brackets that mark a translation.

    PubMed puts a title that it translated in brackets: "[Thyroid storm.]". The brackets are removed, and the fact is
    kept. A bracketed title of a paper in English was supplied by NLM, and keeps its brackets.
    """
    text, html = plain(element), marked_up(element)
    foreign = bool(vernacular) or not languages or languages.count("eng") < len(languages)
    if not foreign or not _wholly_bracketed(text):
        return Title(text or vernacular, html)
    bare = _unbracketed(text) or vernacular
    if vernacular and bare.rstrip(".").lower() == _NO_TRANSLATION:
        return Title(vernacular)
    return Title(bare, _unbracketed(html) if html else None, translated=True)


def _wholly_bracketed(text: str) -> bool:
    """Return whether the last bracket closes the first one, which is not so in "[a] and [b]"."""
    found = _BRACKETED.fullmatch(text)
    if not found:
        return False
    depth = 1
    for character in found[1]:
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return False
    return depth == 1


def _unbracketed(text: str) -> str | None:
    found = _BRACKETED.fullmatch(text)
    if not found:
        return None
    return found[1] if found[1].endswith((".", "?", "!")) else found[1] + found[2]
