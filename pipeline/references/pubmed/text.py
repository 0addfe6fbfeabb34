"""Extract text from PubMed's mixed content: as plain text, and as HTML with i, b, u, sub and sup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from lxml import etree

_SPACE = re.compile(r"[ \t\r\n]+")  # excludes thin and non-breaking spaces, which are the author's
_KEPT = frozenset({"i", "b", "u", "sub", "sup"})
_LEFT_OUT = frozenset({"annotation", "annotation-xml"})  # MathML's alternative representation of the same formula
_SCRIPTS = {"msub": ("", "sub"), "msup": ("", "sup"), "msubsup": ("", "sub", "sup")}  # MathML 3, section 3.4

Run = tuple[str, str]  # a tag ("<i>", "</i>") or "", and a text or ""


def flat(text: str | None) -> str:
    """Collapse white space.

    Most texts need no pattern for this, and using one would take a fifth of the extraction time.
    """
    if not text:
        return ""
    if text.isalnum():  # the fast path for most names, years and codes
        return text
    if "  " in text or not text.isprintable():
        text = _SPACE.sub(" ", text)
    return text.strip(" ")


def plain(element: etree._Element | None) -> str:
    """Return the whole text of an element with white space collapsed."""
    if element is None:
        return ""
    if len(element) == 0:
        return flat(element.text)
    return flat("".join(text for _, text in _runs(element)))


def marked_up(element: etree._Element | None) -> str | None:
    """Return the same text as safe HTML, or None if it contains no markup."""
    if element is None or len(element) == 0:
        return None
    runs = list(_runs(element))
    if not any(tag for tag, _ in runs):
        return None
    return flat("".join(tag or html.escape(text, quote=False) for tag, text in runs))


def _runs(element: etree._Element) -> Iterator[Run]:
    """Yield tags and texts depth first. MathML becomes text with sub- and superscripts marked and fractions slashed."""
    if element.text:
        yield "", element.text
    parent = _local(element)
    scripts = _SCRIPTS.get(parent, ())
    for index, child in enumerate(element):
        name = _local(child)
        kept = name if name in _KEPT else scripts[index] if index < len(scripts) else ""
        if parent == "mfrac" and index == 1:
            yield "", "/"
        if kept:
            yield f"<{kept}>", ""
        if name and name not in _LEFT_OUT:
            yield from _runs(child)
        elif isinstance(child, etree._Entity):
            yield "", html.unescape(child.text or "")
        if kept:
            yield f"</{kept}>", ""
        if child.tail:
            yield "", child.tail


def _local(element: etree._Element) -> str:
    """Return the tag without its namespace; "" for comments and entities."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
