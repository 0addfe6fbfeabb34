"""One article stays one article when its title, its id or its file's name changes."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from bench import Bench, WithoutFeeds, article
from msgspec import structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger
from pipeline.ledger.articles import names, public, revisions
from pipeline.model.article import Article
from pipeline.model.event import Accepted, Origin, Publish
from pipeline.model.reading import IdFrom
from pipeline.stages.accept import Intake, accept

_numbers = itertools.count(1)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger)


def publish(
    bench: Bench,
    given: Article,
    place: str = "file:/site/a.md",
    *,
    id_from: IdFrom = "id",
    former: str | None = None,
    take_over: bool = False,
    gone: tuple[str, ...] = (),
) -> Accepted:
    intake = bench._intake()
    origin = Origin(source="test", id=f"identity-{next(_numbers)}")
    event = Publish(origin, given, place=place, id_from=id_from, former_id=former, take_over=take_over)
    return accept(_with(intake, gone), event)


def _with(intake: Intake, gone: tuple[str, ...]) -> Intake:
    return replace(intake, gone=lambda place: place in gone)


def test_an_id_that_changes_in_a_file_renames_its_article(bench: Bench) -> None:
    publish(bench, article("old"))
    renamed = publish(bench, article("new"))
    assert (renamed.article, renamed.revision, renamed.type) == ("old", 2, "updated")
    with bench.ledger.read() as transaction:
        assert names.article_named(transaction, "new") == "old"
        assert names.current(transaction, "old") == "new"
    bench.work()
    assert [one.article_id for one in bench.partner.got] == ["old"]
    assert publish(bench, article("new")).changed is False


def test_a_name_that_is_taken_back_is_the_articles_own_again(bench: Bench) -> None:
    for id in ("old", "new", "old"):
        publish(bench, article(id))
    with bench.ledger.read() as transaction:
        assert names.current(transaction, "old") == "old"
        assert names.article_named(transaction, "new") == "old"


def test_a_name_that_an_embargoed_update_gave_is_not_used_by_an_event_that_comes_first(bench: Bench) -> None:
    publish(bench, article("old"))
    bench.work()
    publish(bench, structs.replace(article("new"), embargo=bench.clock() + dt.timedelta(days=3)))
    bench.work()
    publish(bench, article("old", text="Move."), "file:/site/a.md", id_from="file")
    bench.work()
    with bench.ledger.read() as transaction:
        out = public.find(transaction, "old")
        assert out == public.Public("live", 3)
        assert revisions.get(transaction, "old", 3).article.name == "old"
        assert names.article_shown_as(transaction, "new") == "new"


def test_a_withdrawal_by_the_new_name_takes_the_article_back(bench: Bench) -> None:
    publish(bench, article("old"))
    publish(bench, article("new"))
    bench.withdraw("new")
    assert bench.article("old").state == "withdrawn"


def test_a_derived_id_counts_only_where_the_place_is_new(bench: Bench) -> None:
    first = publish(bench, article("a"), id_from="file", former="about-a")
    edited = publish(bench, structs.replace(article("a"), title="Corrected"), id_from="file", former="corrected")
    assert (first.article, edited.article, edited.revision) == ("a", "a", 2)


def test_an_article_from_before_its_file_was_remembered_keeps_its_id(bench: Bench) -> None:
    bench.publish(article("about-a"))
    again = publish(bench, structs.replace(article("about-a"), id="a"), id_from="file", former="about-a")
    edited = publish(bench, article("a", text="Move."), id_from="file", former="another-title")
    assert (again.article, again.changed, edited.article, edited.revision) == ("about-a", False, "about-a", 2)


def test_another_file_that_takes_an_id_is_refused_with_both_names(bench: Bench) -> None:
    publish(bench, article("a"), "file:/site/a.md")
    with pytest.raises(InvalidEvent) as refused:
        publish(bench, article("a", text="Move."), "file:/site/b.md")
    assert (refused.value.code, refused.value.file) == ("id-taken", "/site/b.md")
    assert "/site/a.md" in refused.value.message
    assert "--take-over" in (refused.value.hint or "") and "takeover = true" in (refused.value.hint or "")
    assert bench.article("a").revision == 1


def test_a_file_may_take_an_id_over_where_that_is_said(bench: Bench) -> None:
    publish(bench, article("a"), "file:/site/a.md")
    assert publish(bench, article("a", text="Move."), "file:/site/b.md", take_over=True).revision == 2
    assert publish(bench, article("a", text="Rest."), "file:/site/b.md").revision == 3


def test_a_file_that_was_moved_keeps_its_article(bench: Bench) -> None:
    publish(bench, article("a"), "file:/site/a.md")
    moved = publish(bench, article("a", text="Move."), "file:/site/b.md", gone=("file:/site/a.md",))
    assert (moved.article, moved.revision) == ("a", 2)


def test_a_source_that_sends_no_id_is_recognised_by_the_text_when_the_title_is_edited(bench: Bench) -> None:
    place = "source:urn:cms"
    publish(bench, structs.replace(article("first"), title="First"), place, id_from="title", former="first")
    edited = structs.replace(article("corrected"), title="Corrected")
    assert publish(bench, edited, place, id_from="title", former="corrected").article == "first"
    other = article("second", text="Something else.")
    assert publish(bench, other, place, id_from="title", former="second").article == "second"


def test_a_source_that_takes_an_id_of_another_is_refused(bench: Bench) -> None:
    publish(bench, article("a"), "source:urn:cms")
    with pytest.raises(InvalidEvent, match="urn:cms"):
        publish(bench, article("a", text="Move."), "source:urn:other")
