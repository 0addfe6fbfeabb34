"""Where articles go in a feed's pages, whatever happens to them: tried against what must always hold."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger.feeds.layout import STALE, URGENT, Candidate, Moves, Pages, Place, State, layout

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SIZE = 3
Change = tuple[str, State | None]  # an article, and what becomes of it; None: it leaves the feed

CHANGES = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["live", "live", "withdrawn", None])))


class Feed:
    """The pages, kept as the ledger would keep them."""

    def __init__(self, *, moving: bool) -> None:
        self.moving = moving
        self.open = 1
        self.pages: dict[int, dict[str, Place]] = {1: {}}
        self.revision = 0

    def change(self, changes: list[Change]) -> Moves:
        candidates = {article: self._candidate(article, state) for article, state in changes}
        held = len(self.pages[self.open])
        moves = layout(Pages(self.open, held, self._places()), candidates, size=SIZE, moving=self.moving)
        for page, article in moves.removed:
            del self.pages[page][article]
        for page, one in moves.placed:
            self.pages.setdefault(page, {})[one.article] = Place(one.state, one.revision)
        self.open = moves.open
        self.pages.setdefault(self.open, {})
        return moves

    def live(self, article: str) -> list[int]:
        return [page for page, places in self.pages.items() if article in places and places[article].state == "live"]

    def _candidate(self, article: str, state: State | None) -> Candidate | None:
        self.revision += 1
        if state is None:
            return None
        return Candidate(
            article=article, state=state, revision=self.revision, published=START, updated=START, language="en"
        )

    def _places(self) -> dict[str, dict[int, Place]]:
        places: dict[str, dict[int, Place]] = {}
        for page, entries in self.pages.items():
            for article, place in entries.items():
                places.setdefault(article, {})[page] = place
        return places


@given(batches=st.lists(CHANGES, max_size=8))
def test_a_live_article_is_in_one_page_and_every_other_in_none(batches: list[list[Change]]) -> None:
    feed, last = Feed(moving=True), dict[str, State | None]()
    for batch in batches:
        feed.change(batch)
        last |= dict(batch)
        assert {article: len(feed.live(article)) for article in last} == {
            article: int(state == "live") for article, state in last.items()
        }


@given(batches=st.lists(CHANGES, max_size=8), moving=st.booleans())
def test_exactly_the_pages_that_change_are_to_be_built(batches: list[list[Change]], moving: bool) -> None:
    feed = Feed(moving=moving)
    for batch in batches:
        before = {page: dict(places) for page, places in feed.pages.items()}
        moves = feed.change(batch)
        changed = {page for page, places in feed.pages.items() if places != before.get(page, {})}
        assert changed <= set(moves.stale)
        for page in moves.stale:
            assert page in changed or before[page].keys() & dict(batch).keys()


@given(batches=st.lists(CHANGES, max_size=8), moving=st.booleans())
def test_the_open_page_has_room_and_what_is_sealed_was_full(batches: list[list[Change]], moving: bool) -> None:
    feed = Feed(moving=moving)
    for batch in batches:
        opened = feed.open
        moves = feed.change(batch)
        assert len(feed.pages[feed.open]) < SIZE
        assert moves.sealed == tuple(range(opened, feed.open))


@given(batches=st.lists(CHANGES, max_size=8))
def test_without_moving_an_article_stays_in_its_page(batches: list[list[Change]]) -> None:
    feed, pages = Feed(moving=False), dict[str, int]()
    for batch in batches:
        feed.change(batch)
        for article, state in dict(batch).items():
            if state is None:
                pages.pop(article, None)
        for article, places in feed._places().items():
            (page,) = places
            assert pages.setdefault(article, page) == page


def test_what_something_withdrawn_has_to_leave_is_built_first() -> None:
    feed = Feed(moving=True)
    feed.change([(article, "live") for article in "abcd"])
    assert feed.change([("a", "withdrawn")]).stale == {1: URGENT, 2: STALE}
    assert feed.change([("b", None)]).stale == {1: URGENT}


def test_what_is_there_already_moves_nothing() -> None:
    candidate = Candidate(article="a", state="live", revision=4, published=START, updated=START, language="en")
    moves = layout(Pages(2, 1, {"a": {1: Place("live", 4)}}), {"a": candidate}, size=SIZE)
    assert moves == Moves((), (), {}, (), 2)
