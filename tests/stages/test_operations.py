"""What was done in one go is taken back in one go, at every channel."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from bench import START, Bench, WithoutFeeds, article

from benchmarks.statements import counted
from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger, operations
from pipeline.ledger.articles import names, revisions
from pipeline.ledger.operations import Operation
from pipeline.model.event import Accepted, Event, Origin, Publish, Withdraw
from pipeline.stages.accept import accept_all
from pipeline.stages.accept.replay import Replayed, replay
from pipeline.stages.accept.undo import undo
from pipeline.views import operations as operations_views


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger, "first", "second")


def publish(bench: Bench, name: str, texts: dict[str, str]) -> list[Accepted]:
    """Publish these articles in one operation."""
    events: list[Event] = [
        Publish(Origin(source="test", id=f"{name}/{id}"), article(id, text=text)) for id, text in texts.items()
    ]
    return accept_all(bench._intake(), events, Operation(name, "publish", "citewire publish", START))


def shown(bench: Bench, channel: str, id: str) -> bytes | None:
    """The text that a channel holds; None: a tombstone."""
    parcel = bench.receivers[channel].last(id)
    return None if parcel.event == "withdrawn" else parcel.rendition.body.split(b"|")[1]


def test_the_undo_of_many_files_restores_what_every_channel_had(bench: Bench) -> None:
    ids = [f"article-{number}" for number in range(80)]
    before = {id: f"Before {id}." for id in ids[:40]}
    publish(bench, "op_before", before)
    bench.work_for(5)
    publish(bench, "op_wrong", dict.fromkeys(ids, "Wrong."))
    bench.work_for(10)
    done = undo(bench._intake(), "op_wrong", by="somebody")
    bench.work_for(10)
    assert (len(done.accepted), done.overtaken) == (80, ())
    for channel in bench.receivers:
        for id in ids:
            assert shown(bench, channel, id) == (before[id].encode() if id in before else None)


def test_an_undo_is_undone(bench: Bench) -> None:
    publish(bench, "op_1", {"spasms": "First."})
    publish(bench, "op_2", {"spasms": "Second."})
    back = undo(bench._intake(), "op_2", by="somebody")
    undo(bench._intake(), back.operation, by="somebody")
    bench.work()
    assert shown(bench, "first", "spasms") == b"Second."


def test_the_undo_of_a_withdrawal_publishes_again(bench: Bench) -> None:
    publish(bench, "op_1", {"spasms": "First."})
    bench.work()
    gone: list[Event] = [Withdraw(Origin(source="test", id="gone"), "spasms", "Wrong.")]
    accept_all(bench._intake(), gone, Operation("op_2", "withdraw", "citewire withdraw", START))
    bench.work()
    undo(bench._intake(), "op_2", by="somebody")
    bench.work()
    assert shown(bench, "first", "spasms") == b"First."


def test_an_article_that_was_changed_since_is_left_as_it_is_and_named(bench: Bench) -> None:
    publish(bench, "op_1", {"spasms": "First.", "cramps": "First."})
    publish(bench, "op_2", {"spasms": "Second."})
    done = undo(bench._intake(), "op_1", by="somebody")
    assert (done.overtaken, [one.article for one in done.accepted]) == (("spasms",), ["cramps"])
    assert bench.article("spasms").state == "live"


def test_an_edit_that_arrives_while_an_operation_is_undone_is_kept(bench: Bench) -> None:
    publish(bench, "op_1", {"spasms": "First."})
    publish(bench, "op_2", {"spasms": "Second."})
    edits = iter([{"spasms": "Third."}])

    def clock() -> dt.datetime:
        for edit in edits:
            publish(bench, "op_3", edit)
        return bench.clock()

    done = undo(replace(bench._intake(), clock=clock), "op_2", by="somebody")
    bench.work()
    assert (done.accepted, done.overtaken) == ((), ("spasms",))
    with bench.ledger.read() as transaction:
        parts = operations.parts_of(transaction, done.operation)
    assert [(part.article, part.before, part.revision, part.outcome) for part in parts] == [
        ("spasms", 3, 3, "overtaken")
    ]
    assert shown(bench, "first", "spasms") == b"Third."


def test_an_operation_is_recorded_with_what_became_of_its_parts(bench: Bench) -> None:
    publish(bench, "op_1", {"spasms": "First."})
    publish(bench, "op_2", {"spasms": "First.", "cramps": "First."})
    with bench.ledger.read() as transaction:
        found = operations_views.operation(transaction, "op_2", now=bench.clock())
        newest = operations_views.operations(transaction, limit=10, now=bench.clock())
    assert found is not None
    assert [(part.article, part.before, part.revision, part.outcome) for part in found.parts] == [
        ("spasms", 1, 1, "unchanged"),
        ("cramps", None, 1, "published"),
    ]
    assert (found.changed, found.by) == (1, "citewire publish")
    assert [one.operation for one in newest.operations] == ["op_1", "op_2"]


def test_a_list_of_operations_costs_as_many_statements_whatever_its_length(bench: Bench) -> None:
    for number in range(4):
        publish(bench, f"op_{number}", {"spasms": f"Text {number}.", "cramps": "The same."})
    with bench.ledger.read() as transaction, counted() as asked:
        assert len(operations_views.operations(transaction, limit=1, now=bench.clock()).operations) == 1
        for_one = asked.statements
        found = operations_views.operations(transaction, limit=9, now=bench.clock()).operations
    assert asked.statements == 2 * for_one
    assert {one.operation: [part.article for part in one.parts] for one in found} == {
        f"op_{number}": ["spasms", "cramps"] for number in range(4)
    }


def test_a_replay_is_an_operation_that_says_why_it_cannot_be_undone(bench: Bench) -> None:
    publish(bench, "op_1", {"spasms": "First."})
    bench.work()
    done = replay(bench._intake(), by="somebody", article_id="spasms", since=START)
    assert done.operation is not None
    with bench.ledger.read() as transaction:
        found = operations_views.operation(transaction, done.operation, now=bench.clock())
    assert found is not None
    parts = [(part.article, part.channel, part.outcome, part.reason) for part in found.parts]
    assert parts == [("spasms", channel, "replayed", "was delivered") for channel in ("first", "second")]
    assert (found.kind, found.changed) == ("replay", 2)
    with pytest.raises(InvalidEvent, match="what the channels had") as refused:
        undo(bench._intake(), done.operation, by="somebody")
    assert refused.value.code == "cannot-be-undone"
    assert replay(bench._intake(), by="somebody", article_id="no-such-article") == Replayed(None, 0)


def test_an_operation_that_never_came_to_its_end_is_shown_as_unfinished_and_can_be_undone(bench: Bench) -> None:
    with bench.ledger.write() as transaction:
        operations.begin(transaction, Operation("op_1", "publish", "citewire publish", START, planned=3))
    publish(bench, "op_1", {"spasms": "First.", "cramps": "First."})
    with bench.ledger.read() as transaction:
        found = operations_views.operation(transaction, "op_1", now=bench.clock())
    assert found is not None
    assert (found.ended, found.planned, found.changed) == (None, 3, 2)
    assert len(undo(bench._intake(), "op_1", by="somebody").accepted) == 2


def test_an_unknown_operation_is_named(bench: Bench) -> None:
    with pytest.raises(InvalidEvent) as refused:
        undo(bench._intake(), "op_none", by="somebody")
    assert refused.value.code == "unknown-operation"


def test_the_undo_of_a_rename_gives_the_article_its_former_name_back(bench: Bench) -> None:
    place = "file:/site/spasms.md"
    for number, (id, text) in enumerate((("spasms", "First."), ("spasticity", "Second.")), start=1):
        event = Publish(Origin(source="test", id=id), article(id, text=text), place=place)
        accept_all(bench._intake(), [event], Operation(f"op_{number}", "publish", "citewire publish", START))
        bench.work()
    assert bench.receivers["first"].last("spasms").rendition.body.split(b"|")[1] == b"Second."
    back = undo(bench._intake(), "op_2", by="somebody")
    bench.work()
    with bench.ledger.read() as transaction:
        shown = revisions.get(transaction, "spasms", 3).article
        assert (shown.name, shown.answer) == ("spasms", "First.")
        assert names.current(transaction, "spasms") == "spasms"
        assert names.article_shown_as(transaction, "spasticity") == "spasms"  # its address leads to the former one
    undo(bench._intake(), back.operation, by="somebody")
    with bench.ledger.read() as transaction:
        assert names.current(transaction, "spasms") == "spasticity"


def test_an_operation_without_a_sign_of_life_counts_as_interrupted(bench: Bench) -> None:
    begun = Operation("op_1", "publish", "citewire publish", bench.clock())

    def state() -> str:
        with bench.ledger.read() as transaction:
            found = operations_views.operation(transaction, "op_1", now=bench.clock())
        assert found is not None
        return found.state

    with bench.ledger.write() as transaction:
        operations.begin(transaction, begun)
    bench.clock.pass_(20)
    with bench.ledger.write() as transaction:
        operations.sign(transaction, "op_1", bench.clock())
    bench.clock.pass_(20)
    assert state() == "running"
    bench.clock.pass_(20)
    assert state() == "interrupted"
    with bench.ledger.write() as transaction:
        operations.end(transaction, "op_1", bench.clock())
    assert state() == "done"
