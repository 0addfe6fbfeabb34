"""Every format's judges over every article: the sample, strange ones, the examples, the seed page, hostile ones.

Formats are discovered; one without judges fails.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from articles import FEED, GONE, HOSTILE, SITE, WITHDRAWAL, revisions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judges.of_formats import JUDGES, findings
from judges.readers import newsboat_rows, reader_entries
from msgspec.structs import replace
from published import EVERY, OURS, named

from pipeline.model.revision import Revision
from pipeline.renditions import formats
from pipeline.renditions.parts.identity import entry_id

FORMATS = list(formats())
FEEDS = [name for name, form in formats().items() if form.document]
READERS = {"reader": reader_entries, "newsboat": newsboat_rows}
PAIRS = [pair for pair in itertools.product(READERS, FEEDS) if pair != ("newsboat", "json-feed")]  # it knows none


def test_every_format_has_its_judges() -> None:
    assert set(JUDGES) == set(formats())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("revision", EVERY, indirect=True)
def test_the_judges_find_nothing(name: str, revision: Revision) -> None:
    assert findings(name, formats()[name].render(revision, SITE)) == []


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(revision=revisions())
def test_the_judges_find_nothing_in_a_hostile_article(name: str, revision: Revision) -> None:
    assert findings(name, formats()[name].render(revision, SITE)) == []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_judges_find_nothing_in_a_tombstone(name: str, language: str) -> None:
    tombstone = formats()[name].tombstone
    for words in (WITHDRAWAL.reason, *HOSTILE):
        withdrawal = replace(WITHDRAWAL, title=words, reason=words, language=language)
        assert findings(name, tombstone(withdrawal, SITE)) == []


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("entries", [[], [*OURS.values(), GONE]], ids=["empty", "full"])
def test_the_judges_find_nothing_in_a_feed(name: str, entries: list[Revision]) -> None:
    document = formats()[name].document
    assert document
    assert findings(name, document(FEED, entries, SITE)) == []


# --- readers that keep what they read: all documents at once ------------------------------------------------------


@pytest.mark.parametrize(("program", "name"), PAIRS)
@pytest.mark.parametrize("names", [[*OURS], ["seed"]], ids=["ours", "seed"])
def test_a_reader_stores_the_entry_of_every_article(
    program: str, name: str, names: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    check(program, name, [named(each, request) for each in names], tmp_path)


@pytest.mark.parametrize(("program", "name"), PAIRS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(revisions(), min_size=4, max_size=8, unique_by=lambda revision: revision.article.id))
def test_a_reader_stores_the_entry_of_every_hostile_article(program: str, name: str, several: list[Revision]) -> None:
    with TemporaryDirectory() as folder:
        check(program, name, several, Path(folder))


def check(program: str, name: str, several: list[Revision], folder: Path) -> None:
    form = formats()[name]
    bodies = {f"{one.article.id}.{form.extension}": form.render(one, SITE) for one in several}
    assert stored(program, folder, bodies) == sorted(entry_id(SITE, one.article.id) for one in several)


def stored(program: str, folder: Path, bodies: dict[str, bytes]) -> list[str]:
    """The ids of the entries that the program has afterwards."""
    if program == "newsboat":
        return sorted(row["guid"] for row in newsboat_rows(folder, bodies))
    return sorted(entry.id for entry in reader_entries(folder, bodies))
