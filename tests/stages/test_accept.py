from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from bench import START, Bench, WithoutFeeds, article, paper
from msgspec import structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger
from pipeline.ledger.articles import events
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.stages.accept import accept_all
from pipeline.views import events as events_views

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger)


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


def test_the_same_event_again_gets_the_same_answer(bench: Bench) -> None:
    first = bench.publish(article(), id="one")
    bench.publish(article(text="Move."))
    again = bench.publish(article(), id="one")
    assert again == first
    assert bench.article().revision == 2


def test_an_id_that_was_used_for_another_content_is_refused(bench: Bench) -> None:
    bench.publish(article(), id="one")
    with pytest.raises(InvalidEvent) as refused:
        bench.publish(article(text="Move."), id="one")
    assert refused.value.code == "event-id-reused"
    assert bench.article().revision == 1


def test_an_event_older_than_what_its_source_said_before_is_answered_as_overtaken(bench: Bench) -> None:
    bench.publish(article(text="new"), time=START)
    late = bench.publish(article(text="old"), time=START - dt.timedelta(minutes=1))
    bench.work()
    assert (late.outcome, late.changed, late.revision) == ("overtaken", False, 1)
    assert bench.partner.last("spasms").rendition.body == b"1|new|"


def test_an_overtaken_event_is_logged_counted_and_answered_the_same_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.publish(article(text="new"), time=START)
    late = bench.publish(article(text="old"), time=START - HOUR, id="late")
    assert bench.publish(article(text="old"), time=START - HOUR, id="late") == late
    with bench.ledger.read() as transaction:
        assert events.overtaken(transaction) == 1
    assert "overtaken" in capsys.readouterr().out
    assert events_views.accepted(late).status == "overtaken"


def test_a_time_ahead_of_arrival_counts_as_arrival_and_is_said(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = bench.publish(article(text="first"), time=START + 2 * HOUR)
    bench.clock.pass_(60)
    correction = bench.publish(article(text="corrected"), time=bench.clock.now)
    assert (ahead.time_ahead, ahead.outcome) == (True, "accepted")
    assert (correction.time_ahead, correction.outcome, correction.revision) == (False, "accepted", 2)
    assert [one.code for one in events_views.accepted(ahead).warnings] == ["time-ahead"]
    assert "event-time-ahead" in capsys.readouterr().out


@pytest.mark.parametrize("skew", [-2 * HOUR, -HOUR, HOUR, 2 * HOUR])
def test_no_edit_of_a_clock_that_is_off_is_dropped_when_it_arrives_in_order(bench: Bench, skew: dt.timedelta) -> None:
    answers = []
    for number in range(3):
        answers.append(bench.publish(article(text=f"edit {number}"), time=bench.clock.now + skew))
        bench.clock.pass_(60)
    assert [(one.outcome, one.revision) for one in answers] == [("accepted", 1), ("accepted", 2), ("accepted", 3)]


def test_a_clock_that_was_ahead_and_is_set_back_drops_no_edit(bench: Bench) -> None:
    for number, skew in enumerate((2 * HOUR, -HOUR, dt.timedelta(), -2 * HOUR), start=1):
        assert bench.publish(article(text=f"edit {number}"), time=bench.clock.now + skew).revision == number
        bench.clock.pass_(60)


@pytest.mark.parametrize("back", [HOUR, 2 * HOUR])
def test_no_update_is_dropped_after_the_clock_of_its_sender_was_set_back(bench: Bench, back: dt.timedelta) -> None:
    bench.publish(article(text="edit 1"), time=bench.clock.now, stated="published")
    for number in range(2, 5):
        bench.clock.pass_(7)
        edit = bench.publish(article(text=f"edit {number}"), time=bench.clock.now - back, stated="updated")
        assert (edit.outcome, edit.revision) == ("accepted", number)
        assert [one.code for one in events_views.accepted(edit).warnings] == (["clock-set-back"] if number == 2 else [])
    bench.clock.pass_(60)
    delayed = bench.clock.now - back - dt.timedelta(seconds=66)
    late = bench.publish(article(text="late"), time=delayed, stated="updated")
    assert late.outcome == "overtaken"  # the times since then tell the order


def test_the_second_edit_after_a_clock_was_set_back_shows_it(bench: Bench) -> None:
    for text in ("edit 1", "edit 2"):
        bench.publish(article(text=text), time=bench.clock.now)
        bench.clock.pass_(60)
    first = bench.publish(article(text="edit 3"), time=bench.clock.now - HOUR)
    bench.clock.pass_(60)
    second = bench.publish(article(text="edit 4"), time=bench.clock.now - HOUR)
    assert (first.outcome, second.outcome, second.revision) == ("overtaken", "accepted", 3)


def test_edits_that_were_held_up_and_come_all_at_once_do_not_undo_a_newer_one(bench: Bench) -> None:
    bench.publish(article(text="first"), time=START, stated="published")
    bench.clock.pass_(7200)
    bench.publish(article(text="newest"), time=bench.clock.now, stated="updated")
    for minute in (10, 11, 12):
        bench.clock.pass_(1)
        late = bench.publish(article(text=f"minute {minute}"), time=START + minute * HOUR / 60, stated="updated")
        assert late.outcome == "overtaken"
    bench.clock.pass_(600)
    assert bench.publish(article(text="last"), time=START + HOUR, stated="updated").outcome == "overtaken"


def test_an_update_of_a_source_that_never_sent_the_publication_may_have_been_delayed(bench: Bench) -> None:
    bench.publish(article(text="new"), time=START, stated="updated")
    assert bench.publish(article(text="old"), time=START - HOUR, stated="updated").outcome == "overtaken"


@pytest.mark.parametrize("skew", [-2 * HOUR, -HOUR, HOUR, 2 * HOUR])
def test_a_withdrawal_is_never_overtaken(bench: Bench, skew: dt.timedelta) -> None:
    bench.publish(article(), time=START)
    bench.work()
    taken = bench.withdraw(time=START + skew)
    bench.work()
    assert (taken.outcome, taken.changed) == ("accepted", True)
    assert bench.partner.last("spasms").event == "withdrawn"


def test_a_delayed_edit_does_not_undo_a_withdrawal(bench: Bench) -> None:
    bench.publish(article(), time=START - HOUR)
    bench.withdraw(time=START)
    assert bench.publish(article(text="late"), time=START - HOUR / 2).outcome == "overtaken"
    assert bench.article().state == "withdrawn"


def test_a_sequence_decides_where_both_events_have_one(bench: Bench) -> None:
    bench.publish(article(text="ten"), sequence="10", time=START)
    assert bench.publish(article(text="nine"), sequence="9", time=START).outcome == "overtaken"
    assert bench.publish(article(text="eleven"), sequence="11", time=START - HOUR).outcome == "accepted"


def test_a_date_of_publication_to_come_is_a_schedule(bench: Bench) -> None:
    bench.publish(article(published=START + HOUR))
    bench.work()
    assert (bench.article().state, bench.partner.got) == ("scheduled", [])
    bench.clock.pass_(3600)
    bench.work()
    assert (bench.article().state, bench.article().published) == ("live", START + HOUR)


def test_a_mistyped_year_leaves_no_trace_once_it_is_corrected(bench: Bench) -> None:
    bench.publish(article(published=dt.datetime(2036, 3, 1, tzinfo=dt.UTC)))
    bench.publish(article(text="Move.", published=START - HOUR))
    bench.work()
    current = bench.article()
    assert (current.state, current.published, current.updated) == ("live", START - HOUR, START)


def test_a_mistyped_year_of_an_update_leaves_what_is_out_and_then_goes(bench: Bench) -> None:
    bench.publish(article(published=START - HOUR))
    bench.work()
    bench.publish(article(text="Move.", published=dt.datetime(2036, 3, 1, tzinfo=dt.UTC)))
    bench.work()
    assert bench.partner.last("spasms").revision == 1
    bench.publish(article(text="Move.", published=START - HOUR))
    bench.work()
    assert bench.partner.last("spasms").revision == 3
    assert bench.article().updated == START + dt.timedelta(seconds=1)


def test_dates_of_change_grow_even_where_the_clock_was_set_back(bench: Bench) -> None:
    bench.clock.pass_(7200)
    bench.publish(article())
    bench.work()
    out = bench.article().updated
    bench.clock.pass_(-7200)
    bench.publish(article(text="Move."))
    bench.work()
    corrected = bench.article().updated
    bench.withdraw()
    assert out < corrected < bench.article().updated


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


def test_accepting_rings_for_the_next_stage_alone(bench: Bench) -> None:
    bench.publish(article(pmids=["1"]))
    assert bench.bells.rung == [("enrich", "")]  # it is rendered when PubMed has answered
    bench.pubmed.papers["1"] = paper("1")
    bench.work()
    bench.bells.rung.clear()
    bench.publish(article("other", pmids=["1"]))
    assert bench.bells.rung == [("render", "")]


def test_what_does_not_wait_for_evidence_is_rendered_while_pubmed_is_asked(bench: Bench) -> None:
    bench.context = replace(bench.context, policy=replace(bench.context.policy, evidence_wait=0))
    bench.publish(article(pmids=["1"]))
    assert bench.bells.rung == [("render", ""), ("enrich", "")]


@pytest.mark.parametrize("stated", [START - 2 * HOUR, START + 2 * HOUR, dt.datetime(2036, 3, 1, tzinfo=dt.UTC)])
def test_the_date_that_machines_compare_is_the_ledgers_whatever_the_author_states(
    bench: Bench, stated: dt.datetime
) -> None:
    bench.publish(article(modified=stated))
    bench.work()
    assert bench.article().updated == START
    bench.clock.pass_(60)
    bench.publish(article(text="Move.", modified=stated))
    bench.work()
    assert bench.article().updated == START + dt.timedelta(seconds=60)


def test_an_embargoed_article_is_scheduled_and_comes_out_at_its_time(bench: Bench) -> None:
    bench.publish(article(embargo=START + dt.timedelta(hours=1)))
    bench.work()
    assert (bench.article().state, bench.partner.got) == ("scheduled", [])
    bench.clock.pass_(3600)
    bench.work()
    assert bench.article().state == "live"
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
    before = bench.article()
    embargo = START + dt.timedelta(hours=1)
    bench.publish(structs.replace(article(text="secret", embargo=embargo), title="Secret", language="de"))
    bench.work()
    shown = bench.article()
    assert (shown.title, shown.language, shown.updated) == (before.title, before.language, before.updated)
    bench.clock.pass_(3600)
    bench.work()
    assert (bench.article().title, bench.article().language) == ("Secret", "de")


def test_a_batch_is_accepted_as_its_events_would_be_one_by_one(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
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
    assert bench.bells.rung == [("render", "")]
    bench.work()
    assert bench.partner.last("spasms").revision == 2


def test_a_batch_with_an_event_that_cannot_be_is_refused_whole(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    good = Publish(Origin(source="test", id="a"), article())
    bad = Withdraw(Origin(source="test", id="b"), "nobodys", "Wrong.")
    with pytest.raises(InvalidEvent, match="no article of this id"):
        accept_all(bench._intake(), [good, bad])
    assert accept_all(bench._intake(), [good])[0].changed
    assert accept_all(bench._intake(), []) == []
