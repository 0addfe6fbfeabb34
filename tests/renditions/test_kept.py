"""The HTML of an article is written once for all formats and feeds that contain it, and never taken for another's."""

from __future__ import annotations

import datetime as dt

import pytest
from articles import FEED, SAMPLE, SITE
from msgspec import structs
from msgspec.structs import replace

from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions import formats
from pipeline.renditions.parts import content
from pipeline.renditions.parts.content import content_html
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
    monkeypatch.setattr(content, "_lately", Kept(1_000_000))
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


def test_no_more_is_kept_than_it_may_be_and_what_was_used_last_stays() -> None:
    kept, made = Kept(100), list[str]()

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
