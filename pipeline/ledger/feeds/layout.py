"""Where articles go in the pages of a feed: a pure function from the pages and the changes to the moves to make.

A feed is a series of pages. The newest is open: entries are added until it holds `size` of them and is sealed. An
article is live in one page at most. When it changes it moves from a sealed page to the open one. When it is withdrawn a
tombstone replaces it in its page, and another is added to the open page. A sitemap's entries never move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

State = Literal["live", "withdrawn"]
BUILT, STALE, URGENT = 0, 1, 2  # of a page: up to date; to be built; to be built first, because an article has left it


class Candidate(Struct, frozen=True, kw_only=True):
    """An article that has been published, as feeds see it."""

    article: str
    state: State
    revision: int
    published: dt.datetime
    updated: dt.datetime
    language: str
    topics: frozenset[str] = frozenset()
    canonical: str | None = None


class Place(Struct, frozen=True):
    """What a page shows of an article."""

    state: str
    revision: int
    updated: dt.datetime | None = None


class Pages(Struct, frozen=True):
    """A feed's pages, as far as certain articles are concerned."""

    open: int = 1  # the number of the open page
    entries: int = 0  # entries in it
    places: Mapping[str, Mapping[int, Place]] = {}  # by article and page


class Moves(Struct, frozen=True):
    """What changes in a feed's pages."""

    removed: tuple[tuple[int, str], ...]  # page and article
    placed: tuple[tuple[int, Candidate], ...]  # new or replaced entries of pages
    stale: Mapping[int, int]  # pages to be built, and how urgently
    sealed: tuple[int, ...]
    open: int  # the page that is open afterwards


def layout(pages: Pages, candidates: Mapping[str, Candidate | None], *, size: int, moving: bool = True) -> Moves:
    """Return the moves that place each article, in the order given; None removes it from the feed.

    `moving`: a changed article moves to the open page, unless its date did not change. Otherwise it stays where it is.
    """
    changes = _Layout(pages, size)
    for article, candidate in candidates.items():
        places = pages.places.get(article, {})
        if candidate is None:
            changes.remove(article, places)
        elif _shows(candidate, newest := places.get(max(places, default=0))):
            continue  # it is there already
        elif not moving or (newest is not None and _same_date(candidate, newest)):
            changes.replace(candidate, places)
        elif candidate.state == "live":
            changes.place_live(candidate, places)
        else:
            changes.add_tombstone(candidate, places)
    return changes.moves()


def _shows(candidate: Candidate, place: Place | None) -> bool:
    return place is not None and (place.state, place.revision) == (candidate.state, candidate.revision)


def _same_date(candidate: Candidate, place: Place) -> bool:
    """Return whether readers take it for unchanged: only the way in which it is rendered is new."""
    return candidate.state == place.state == "live" and candidate.updated == place.updated


class _Layout:
    """The moves so far, and the open page after them."""

    def __init__(self, pages: Pages, size: int) -> None:
        self._open, self._entries, self._size = pages.open, pages.entries, size
        self._removed: list[tuple[int, str]] = []
        self._placed: list[tuple[int, Candidate]] = []
        self._stale: dict[int, int] = {}
        self._sealed: list[int] = []

    def moves(self) -> Moves:
        return Moves(tuple(self._removed), tuple(self._placed), self._stale, tuple(self._sealed), self._open)

    def remove(self, article: str, places: Mapping[int, Place]) -> None:
        for page in places:
            self._removed.append((page, article))
            self._stale[page] = URGENT
            self._entries -= page == self._open

    def place_live(self, candidate: Candidate, places: Mapping[int, Place]) -> None:
        """Place the article in the open page, and nowhere else."""
        self.remove(candidate.article, {page: place for page, place in places.items() if page != self._open})
        self._add(candidate, new=self._open not in places)

    def add_tombstone(self, candidate: Candidate, places: Mapping[int, Place]) -> None:
        """Replace the article by its tombstone, and add one to the open page, which subscribers read."""
        for page, place in places.items():
            if page != self._open and place.state == "live":
                self._placed.append((page, candidate))
                self._stale[page] = URGENT
        self._add(candidate, new=self._open not in places)

    def replace(self, candidate: Candidate, places: Mapping[int, Place]) -> None:
        """Change the article where it is; a new one is added to the open page."""
        for page in places:
            self._placed.append((page, candidate))
            self._stale.setdefault(page, STALE)
        if not places:
            self._add(candidate, new=True)

    def _add(self, candidate: Candidate, *, new: bool) -> None:
        self._placed.append((self._open, candidate))
        self._stale.setdefault(self._open, STALE)
        self._entries += new
        if self._entries >= self._size:
            self._sealed.append(self._open)
            self._open, self._entries = self._open + 1, 0
