from __future__ import annotations

import datetime as dt

import pytest
from bench import START, Bench, article, paper
from msgspec import structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.stages.accept import accept_all


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return Bench(ledger)


def test_the_first_publish_makes_revision_one(bench: Bench) -> None:
    accepted = bench.publish(article())
    assert (accepted.revision, accepted.type, accepted.changed) == (1, "published", True)


def test_the_same_content_again_is_nothing_new(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    again = bench.publish(article())
    bench.work()
    assert (again.revision, again.changed) == (1, False)
    assert len(bench.partner.got) == 1


def test_other_content_is_the_next_revision(bench: Bench) -> None:
    bench.publish(article())
    accepted = bench.publish(article(text="Move."))
    assert (accepted.revision, accepted.type, accepted.changed) == (2, "updated", True)


def test_the_same_event_again_gets_the_same_answer_whatever_it_holds(bench: Bench) -> None:
    first = bench.publish(article(), id="one")
    again = bench.publish(article(text="Move."), id="one")
    assert again == first
    assert bench.standing().revision == 1


def test_an_event_older_than_what_its_source_said_before_changes_nothing(bench: Bench) -> None:
    bench.publish(article(text="new"), time=START)
    late = bench.publish(article(text="old"), time=START - dt.timedelta(minutes=1))
    bench.work()
    assert (late.changed, late.revision) == (False, 1)
    assert bench.partner.last("spasms").rendition.body == b"1|new|"


def test_a_withdrawal_of_what_was_never_published_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidEvent) as refused:
        bench.withdraw("nobody-knows-it")
    assert refused.value.code == "unknown-article"


def test_a_second_withdrawal_is_nothing_new(bench: Bench) -> None:
    bench.publish(article())
    bench.withdraw()
    assert bench.withdraw().changed is False


def test_an_article_can_be_published_again_after_its_withdrawal(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.work()
    again = bench.publish(article())
    bench.work()
    assert (again.revision, again.type) == (3, "published")
    assert [(one.revision, one.event) for one in bench.partner.got] == [
        (1, "published"),
        (2, "withdrawn"),
        (3, "published"),
    ]


def test_accepting_rings_for_the_next_stages(bench: Bench) -> None:
    bench.publish(article(pmids=["1"]))
    assert bench.bells.rung == [("enrich", ""), ("render", "")]


def test_a_stated_date_of_change_is_shown_only_when_it_moves_forward(bench: Bench) -> None:
    stated = START - dt.timedelta(hours=2)
    bench.publish(article(modified=stated))
    assert bench.standing().updated == stated
    bench.publish(article(text="Move.", modified=stated))
    assert bench.standing().updated == START


def test_the_readers_date_is_never_before_publication(bench: Bench) -> None:
    bench.publish(article(modified=START - dt.timedelta(days=30)))
    standing = bench.standing()
    assert standing.updated == standing.published


def test_an_embargoed_article_is_scheduled_and_comes_out_at_its_time(bench: Bench) -> None:
    bench.publish(article(embargo=START + dt.timedelta(hours=1)))
    bench.work()
    assert (bench.standing().state, bench.partner.got) == ("scheduled", [])
    bench.clock.pass_(3600)
    bench.work()
    assert bench.standing().state == "live"
    assert len(bench.partner.got) == 1


def test_news_of_a_reference_does_not_break_the_embargo_of_an_update(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.publish(article(text="secret", pmids=["1"], embargo=START + dt.timedelta(hours=1)))
    bench.pubmed.papers["1"] = paper("1")
    bench.work_for(60, step=5)
    assert [one.revision for one in bench.partner.got] == [1]
    bench.clock.pass_(3600)
    bench.work()
    assert bench.partner.last("spasms").rendition.body == b"2|secret|1:resolved"


def test_nothing_of_an_update_is_told_before_its_embargo_ends(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    before = bench.standing()
    embargo = START + dt.timedelta(hours=1)
    bench.publish(structs.replace(article(text="secret", embargo=embargo), title="Secret", language="de"))
    bench.work()
    told = bench.standing()
    assert (told.title, told.language, told.updated) == (before.title, before.language, before.updated)
    bench.clock.pass_(3600)
    bench.work()
    assert (bench.standing().title, bench.standing().language) == ("Secret", "de")


def test_a_batch_is_accepted_as_its_events_would_be_one_by_one(ledger: Ledger) -> None:
    bench = Bench(ledger)
    origins = [Origin(source="test", id=name) for name in ("a", "b", "c", "a")]
    first, second, other = article(text="First."), article(text="Second."), article("other")
    batch = [Publish(origins[0], first), Publish(origins[1], other), Publish(origins[2], second)]
    answers = accept_all(bench._intake(), [*batch, Publish(origins[3], first)])
    assert [(one.article, one.revision, one.changed) for one in answers] == [
        ("spasms", 1, True),
        ("other", 1, True),
        ("spasms", 2, True),
        ("spasms", 1, True),
    ]
    assert bench.bells.rung == [("enrich", ""), ("render", "")]
    bench.work()
    assert bench.partner.last("spasms").revision == 2


def test_a_batch_with_an_event_that_cannot_be_is_refused_whole(ledger: Ledger) -> None:
    bench = Bench(ledger)
    good = Publish(Origin(source="test", id="a"), article())
    bad = Withdraw(Origin(source="test", id="b"), "nobodys", "Wrong.")
    with pytest.raises(InvalidEvent, match="no article of this id"):
        accept_all(bench._intake(), [good, bad])
    assert accept_all(bench._intake(), [good])[0].changed
    assert accept_all(bench._intake(), []) == []
