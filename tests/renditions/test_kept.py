"""What formats and feeds have in common of an article is made once, and never taken for another's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from articles import FEED, SAMPLE, SITE
from msgspec import structs
from msgspec.structs import replace

from pipeline.model.rendition import SUBSCRIPTION
from pipeline.model.revision import Revision
from pipeline.model.site import Feed, Site
from pipeline.renditions import atom, formats, json_feed, rss
from pipeline.renditions.parts import content
from pipeline.renditions.parts.content import content_html
from pipeline.renditions.parts.feed_xml import size_of
from pipeline.renditions.parts.kept import Kept

CONTAINING = ("rss", "atom", "json-feed", "ninjs")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Revision]:
    """What is written from now on, with nothing kept from before."""
    seen: list[Revision] = []
    write = content._written

    def noted(revision: Revision, site: Site) -> str:
        seen.append(revision)
        return write(revision, site)

    monkeypatch.setattr(content, "_written", noted)
    monkeypatch.setattr(content, "_lately", Kept(1_000_000, size=len))
    return seen


def test_it_is_written_once_for_all_formats_and_the_builds_of_feeds(written: list[Revision]) -> None:
    for name in CONTAINING:
        formats()[name].render(SAMPLE, SITE)
    assert written == [SAMPLE]
    again = replace(SAMPLE, article=replace(SAMPLE.article))  # as it is read from the ledger
    for name in CONTAINING:
        if document := formats()[name].document:
            document(FEED, [again], SITE)
    assert written == [SAMPLE]


@pytest.mark.parametrize(
    "other",
    [
        replace(SAMPLE, updated=SAMPLE.updated + dt.timedelta(days=40)),
        replace(SAMPLE, updated=SAMPLE.updated.astimezone(dt.timezone(dt.timedelta(hours=14)))),  # the same moment
        replace(SAMPLE, references=()),
        replace(SAMPLE, article=replace(SAMPLE.article, answer="Rest.")),
    ],
    ids=["date", "zone", "evidence", "text"],
)
def test_what_differs_in_anything_is_written_for_itself(written: list[Revision], other: Revision) -> None:
    content_html(SAMPLE, SITE)
    assert content_html(other, SITE) == content._written(other, SITE)
    assert other in written


def test_another_site_has_html_of_its_own(written: list[Revision]) -> None:
    other = structs.replace(SITE, disclaimer="Ask a doctor.")
    assert content_html(SAMPLE, SITE) != content_html(SAMPLE, other)
    assert "Ask a doctor." in content_html(SAMPLE, other)


def test_a_text_with_half_of_a_character_is_written_all_the_same(written: list[Revision]) -> None:
    halved = replace(SAMPLE, article=replace(SAMPLE.article, answer="Rest \ud83d now."))
    assert "Rest  now." in content_html(halved, SITE)
    assert content_html(halved, SITE) == content_html(halved, SITE)


MODULES: dict[str, tuple[ModuleType, str, Callable[[Any], int]]] = {
    "rss": (rss, "_entry", size_of),
    "atom": (atom, "_entry", size_of),
    "json-feed": (json_feed, "_item", len),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_feed_that_is_built_again_makes_new_entries_only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function, size = MODULES[name]
    make, made = getattr(module, function), list[str]()

    def noted(revision: Revision, site: Site, **more: Any) -> Any:
        made.append(revision.article.id)
        return make(revision, site, **more)

    def page(*revisions: Revision, feed: Feed = FEED, site: Site = SITE) -> bytes:
        write = formats()[name].page
        assert write is not None
        return write(feed, revisions, site, SUBSCRIPTION)

    monkeypatch.setattr(module, function, noted)
    monkeypatch.setattr(module, "_lately", Kept(2_000_000, size=size))
    again = replace(SAMPLE, article=replace(SAMPLE.article))  # as it is read from the ledger
    other = replace(SAMPLE, article=replace(SAMPLE.article, id="other", title="Another"))
    one, both = page(SAMPLE), page(other, again)
    assert made == [SAMPLE.article.id, "other"]
    assert page(again) == one
    short = page(SAMPLE, feed=structs.replace(FEED, content="summary"))
    elsewhere = page(SAMPLE, site=structs.replace(SITE, url="https://elsewhere.example.org"))
    assert len(made) == 4
    monkeypatch.setattr(module, "_lately", Kept(2_000_000, size=size))
    assert page(other, SAMPLE) == both
    assert page(SAMPLE, site=structs.replace(SITE, url="https://elsewhere.example.org")) == elsewhere
    assert page(SAMPLE, feed=structs.replace(FEED, content="summary")) == short
    assert len({one, both, short, elsewhere}) == 4


def test_an_item_with_the_marks_of_one_partner_is_never_taken_for_anothers() -> None:
    for mark in ("first", "second"):
        feed = structs.replace(FEED, profile="smartnews", analytics=f"<script>{mark}</script>")
        assert f"&lt;script&gt;{mark}&lt;" in rss.page(feed, [SAMPLE], SITE, SUBSCRIPTION).decode()
    assert b"analytics" not in rss.page(FEED, [SAMPLE], SITE, SUBSCRIPTION).partition(b"<item>")[2]


def test_no_more_is_kept_than_it_may_be_and_what_was_used_last_stays() -> None:
    kept, made = Kept[str](100, size=len), list[str]()

    def text(key: str, length: int = 10) -> str:
        def make() -> str:
            made.append(key)
            return key * length

        return kept.get(key, make)

    for key in "abcdefghij":
        assert text(key) == key * 10
    text("a")
    text("k")  # in place of b
    text("a")
    assert made == [*"abcdefghijk"]
    text("b")
    assert made[-1] == "b"
    for _ in range(2):
        text("z", 11)  # more than a tenth
    assert made[-2:] == ["z", "z"]
    assert kept._size <= 100
