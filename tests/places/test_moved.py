"""A channel that moved, was renamed, removed or given another format: what lies where, and what the ledger says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from every_stage import enrich, render
from places_world import World, files, folder

from pipeline.ledger import Ledger
from pipeline.ledger.deliveries import channel_contents
from pipeline.stages.stage import drain

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> World:
    return World(ledger, tmp_path)


@pytest.fixture
def old(world: World) -> Path:
    """The folder that the channel "archive" has, with two articles."""
    path = world.folder / "old"
    world.take_up(folder("archive", path))
    world.publish("a", "b")
    world.work()
    assert files(path) == {"a.json-ld": 1, "b.json-ld": 1}
    return path


def test_a_moved_channel_fills_its_new_place_and_leaves_the_old_one_as_it_was(world: World, old: Path) -> None:
    new = world.folder / "new"
    (change,) = world.take_up(folder("archive", new))
    assert change.kind == "moved"
    world.work()
    assert files(new) == files(old) == {"a.json-ld": 1, "b.json-ld": 1}
    (orphan,) = world.places("orphan")
    assert orphan.location == f"file://{old}" and orphan.channel == "archive"


def test_delivered_is_said_of_the_place_in_force(world: World, old: Path) -> None:
    world.take_up(folder("archive", world.folder / "new"))
    assert world.rows("archive") == {}
    world.work()
    assert {row.state for row in world.rows("archive").values()} == {"delivered"}


def test_a_correction_and_a_withdrawal_reach_the_place_that_was_left(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", new))
    world.work()
    world.publish("a", text="Move.")
    world.bench.withdraw("b")
    world.work()
    assert files(new) == files(old) == {"a.json-ld": 2, "b.json-ld": "withdrawn"}
    world.publish("c")
    world.work()
    assert "c.json-ld" in files(new) and "c.json-ld" not in files(old)


def test_an_orphan_is_emptied_when_an_operator_says_so_and_not_before(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", new))
    world.work()
    world.empty("archive@")
    world.work()
    assert files(old) == {} and files(new) == {"a.json-ld": 1, "b.json-ld": 1}
    assert [one.location for one in world.places("emptied")] == [f"file://{old}"]
    world.bench.withdraw("a")
    world.work()
    assert files(old) == {} and files(new)["a.json-ld"] == "withdrawn"


@ON_SQLITE
def test_what_was_moved_by_hand_is_adopted(world: World, old: Path) -> None:
    new = world.folder / "new"
    shutil.move(old, new)
    before = {path.name: path.stat().st_ino for path in new.glob("*.json-ld")}
    world.take_up(folder("archive", new))
    world.work()
    assert {path.name: path.stat().st_ino for path in new.glob("*.json-ld")} == before
    assert {row.state for row in world.rows("archive").values()} == {"delivered"}


@ON_SQLITE
def test_two_names_of_one_folder_are_one_place_and_emptying_never_removes_what_another_channel_keeps(
    world: World, old: Path
) -> None:
    (world.folder / "link").symlink_to(old)
    (change,) = world.take_up(folder("archive", world.folder / "link"))
    assert change.kind == "kept"
    assert not world.places("orphan")


@ON_SQLITE
def test_a_withdrawal_whose_tombstone_lies_at_the_old_place_lies_at_the_new_one_too(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.bench.withdraw("b")
    world.work()
    world.take_up(folder("archive", new))
    world.work()
    assert files(new) == {"a.json-ld": 1, "b.json-ld": "withdrawn"}


@ON_SQLITE
def test_a_renamed_channel_keeps_its_place_and_sends_nothing(world: World, old: Path) -> None:
    inodes = {path.name: path.stat().st_ino for path in old.glob("*.json-ld")}
    changes = world.take_up(folder("library", old))
    assert [(one.channel, one.kind) for one in changes] == [("archive", "removed"), ("library", "renamed")]
    world.work()
    assert {path.name: path.stat().st_ino for path in old.glob("*.json-ld")} == inodes
    assert set(world.rows("library")) == {"a", "b"} and not world.rows("archive")
    assert not world.places("orphan")
    world.bench.withdraw("a")
    world.work()
    assert files(old)["a.json-ld"] == "withdrawn"


def test_a_removed_channel_is_withdrawn_from_and_continues_when_it_comes_back(world: World, old: Path) -> None:
    world.take_up()
    assert [one.key for one in world.places("orphan")] == ["archive"]
    world.bench.withdraw("a")
    world.publish("c")
    world.work()
    assert files(old) == {"a.json-ld": "withdrawn", "b.json-ld": 1}
    (change,) = world.take_up(folder("archive", old))
    assert change.kind == "returned"
    world.work()
    assert files(old) == {"a.json-ld": "withdrawn", "b.json-ld": 1, "c.json-ld": 1}


@ON_SQLITE
def test_a_channel_that_comes_back_elsewhere_leaves_its_first_place_an_orphan(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up()
    world.take_up(folder("archive", new))
    world.work()
    assert files(new) == files(old)
    assert [one.location for one in world.places("orphan")] == [f"file://{old}"]


@ON_SQLITE
def test_channels_that_swap_their_folders_swap_what_is_known_of_them(world: World, old: Path) -> None:
    other = world.folder / "other"
    world.take_up(folder("archive", old), folder("other", other))
    world.publish("c")
    world.work()
    world.take_up(folder("archive", other), folder("other", old))
    world.work()
    assert set(files(old)) == set(files(other)) == {"a.json-ld", "b.json-ld", "c.json-ld"}
    assert not world.places("orphan")
    world.bench.withdraw("a")
    world.work()
    assert files(old)["a.json-ld"] == files(other)["a.json-ld"] == "withdrawn"


def test_another_format_replaces_the_old_file_when_the_new_one_is_there(world: World, old: Path) -> None:
    (change,) = world.take_up(folder("archive", old, "markdown"))
    assert change.kind == "reformatted"
    world.work()
    assert files(old) == {"a.md": 1, "b.md": 1}
    assert sorted(path.name for path in old.iterdir() if path.is_file()) == ["a.md", "b.md"]
    assert {row.state for row in world.rows("archive").values()} == {"delivered"}


@ON_SQLITE
def test_moved_and_reformatted_at_once(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", new, "markdown"))
    world.work()
    assert files(new) == {"a.md": 1, "b.md": 1} and files(old) == {"a.json-ld": 1, "b.json-ld": 1}


@ON_SQLITE
def test_there_and_back_again_misses_nothing(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", new))
    world.work()
    world.publish("c")
    world.work()
    world.take_up(folder("archive", old))
    world.work()
    assert files(old) == {"a.json-ld": 1, "b.json-ld": 1, "c.json-ld": 1}
    assert [one.location for one in world.places("orphan")] == [f"file://{new}"]


@ON_SQLITE
def test_moved_again_before_it_was_filled(world: World, old: Path) -> None:
    new, newest = world.folder / "new", world.folder / "newest"
    world.take_up(folder("archive", new))
    world.take_up(folder("archive", newest))
    world.work()
    assert files(newest) == files(old)
    assert not files(new)


@ON_SQLITE
def test_a_channel_that_comes_back_while_its_place_is_emptied_is_filled_again(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", new))
    world.work()
    world.empty("archive@")
    world.work(1)
    world.take_up(folder("archive", old))
    world.work()
    assert files(old) == {"a.json-ld": 1, "b.json-ld": 1}


@ON_SQLITE
def test_a_place_that_is_taken_over_while_it_is_to_be_emptied_has_the_newest_revisions(world: World, old: Path) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", new))
    world.work()
    world.empty("archive@")
    world.publish("a", text="Move.")
    for stage in (enrich, render):
        drain(world.bench.context, stage)
    world.take_up(folder("archive", new), folder("other", old))
    world.work()
    assert files(old) == files(new) == {"a.json-ld": 2, "b.json-ld": 1}


@ON_SQLITE
def test_an_added_channel_gets_what_was_published_before_unless_its_settings_say_otherwise(
    world: World, old: Path
) -> None:
    more, none = world.folder / "more", world.folder / "none"
    world.take_up(folder("archive", old), folder("more", more), folder("none", none, backfill=False))
    world.work()
    assert files(more) == files(old) and not files(none)


@ON_SQLITE
def test_a_place_that_was_given_up_is_named_when_a_withdrawal_cannot_reach_it(world: World, old: Path) -> None:
    world.take_up()
    world.give_up("archive", reason="the machine was sold")
    world.bench.withdraw("a")
    world.work()
    row = world.rows("archive")["a"]
    assert row.state == "abandoned" and row.error == "place-given-up: the machine was sold"
    assert files(old)["a.json-ld"] == 1


@ON_SQLITE
def test_two_channels_of_one_folder_hand_over_to_the_one_that_stays(world: World, old: Path) -> None:
    world.take_up(folder("archive", old), folder("twin", old))
    world.work()
    world.take_up(folder("archive", world.folder / "new"), folder("twin", old))
    world.work()
    assert not world.places("orphan")
    world.bench.withdraw("a")
    world.work()
    assert files(old)["a.json-ld"] == "withdrawn"


def test_what_a_channel_showed_before_it_moved_is_found_under_its_name_and_under_the_place_that_it_left(
    world: World, old: Path
) -> None:
    before = world.bench.clock.now
    world.bench.clock.pass_(60)
    world.take_up(folder("archive", world.folder / "new"))
    world.work()
    world.publish("a", text="Move.")
    world.work()
    (orphan,) = world.places("orphan")
    with world.ledger.read() as transaction:
        then = [channel_contents.at(transaction, "a", key, before) for key in ("archive", orphan.key)]
        now = [channel_contents.at(transaction, "a", key, world.bench.clock.now) for key in ("archive", orphan.key)]
    assert [one and one.revision for one in then] == [1, 1] and [one and one.revision for one in now] == [2, 2]
    world.empty("archive@")
    world.work(6)
    with world.ledger.read() as transaction:
        emptied = channel_contents.at(transaction, "a", "archive", before)
        assert emptied is not None and emptied.revision == 1, "emptying a place keeps its history"
        gone = channel_contents.at(transaction, "a", orphan.key, world.bench.clock.now)
        assert gone is not None and gone.event == "withdrawn"


@ON_SQLITE
def test_a_tombstone_stays_at_a_place_that_is_emptied_for_whoever_reads_it_later(world: World, old: Path) -> None:
    world.bench.withdraw("b")
    world.work()
    world.take_up(folder("archive", world.folder / "new"))
    world.work()
    world.empty("archive@")
    world.work(6)
    assert [one.location for one in world.places("emptied")] == [f"file://{old}"]
    assert files(old) == {"b.json-ld": "withdrawn"}
