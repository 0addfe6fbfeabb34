"""What lxml has no function for: an element's whole text, and removing an element but not its tail."""

from __future__ import annotations

from lxml import etree


def text_in(element: etree._Element) -> str:
    """Return all text in an element, unchanged."""
    return "".join(str(text) for text in element.itertext())


def take_out(element: etree._Element) -> None:
    """Remove an element and keep the text that follows it."""
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
