"""Two things that lxml leaves to its users: an element's whole text, and taking one out without what follows it."""

from __future__ import annotations

from lxml import etree


def text_in(element: etree._Element) -> str:
    """All the text that stands in an element, as it stands."""
    return "".join(str(text) for text in element.itertext())


def take_out(element: etree._Element) -> None:
    """Removes an element and leaves the text after it where it stands."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)
