"""`plan`, `apply`, `places` and `channels replace`, as a terminal shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from places_world import World, files, folder, run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ledger = empty_ledger(tmp_path / "var")
    world = World(ledger, tmp_path)
    world.take_up(folder("archive", tmp_path / "old"))
    world.publish("a", "b")
    world.work()
    yield world
    ledger.close()


def test_a_move_is_planned_applied_and_done(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = world.folder / "old", world.folder / "new"
    assert run(capsys, world, "plan").out == "nothing would change\n"
    world.settings(folder("archive", new))
    planned = run(capsys, world, "plan", "--json").json
    assert planned["totals"] == {
        "sent": 2,
        "filled": 2,
        "refreshed": 0,
        "withdrawn": 0,
        "removed": 2,
        "orphaned": 1,
        "rendered": 0,
    }
    assert [one["change"] for one in planned["channels"]] == ["moved"]
    assert run(capsys, world, "plan", "--json").json == planned
    assert f"archive  moved  file://{new}  (was: file://{old})" in run(capsys, world, "apply").out
    world.work(6)
    assert not files(old) and files(new) == {"a.json-ld": 1, "b.json-ld": 1}
    assert run(capsys, world, "plan").out == "nothing would change\n"
    newest, *_ = run(capsys, world, "operations", "--json").json["operations"]
    assert newest["kind"] == "apply"


def test_apply_can_keep_what_is_left(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    old = world.folder / "old"
    world.settings(folder("archive", world.folder / "new"))
    assert run(capsys, world, "apply", "--keep").status == 0
    world.work()
    assert files(old) == {"a.json-ld": 1, "b.json-ld": 1}
    (orphan,) = run(capsys, world, "status", "--json").json["places_left"]
    assert (orphan["place"], orphan["articles"], orphan["state"]) == (f"file://{old}", 2, "orphan")
    assert f"file://{old} was left by archive and has 2 articles" in run(capsys, world, "status").out
    assert run(capsys, world, "places", "empty", "archive").status == 0
    world.work(6)
    assert not files(old)
    states = {one["state"] for one in run(capsys, world, "places", "--json").json["places"]}
    assert states == {"in-force", "emptied"}


def test_a_place_that_is_gone_is_given_up_with_a_reason_that_is_kept(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.settings()
    assert run(capsys, world, "places", "give-up", "archive", "--reason", "sold").status == 2
    assert run(capsys, world, "apply", "--keep").status == 0
    assert run(capsys, world, "places", "give-up", "archive", "--reason", "sold").status == 0
    (place,) = run(capsys, world, "places", "--json").json["places"]
    assert (place["state"], place["reason"], place["by"]) == ("given-up", "sold", "citewire places give-up")
    world.bench.withdraw("a")
    world.work()
    (row,) = run(capsys, world, "status", "a", "--json").json["deliveries"]
    assert (row["state"], row["error"]) == ("abandoned", "place-given-up: sold")


def test_the_place_of_a_channel_in_force_is_not_given_up(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, world, "places", "give-up", f"file://{world.folder / 'old'}", "--reason", "sold")
    assert result.status == 2 and "place-in-force" in result.err
    assert run(capsys, world, "places", "empty", "nowhere").status == 4


def test_a_partner_at_another_address_is_the_same_unless_it_is_said_to_be_another(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNER", SECRET)
    partner = '[[channels]]\nid = "partner"\ntype = "webhook"\nformat = "ninjs"\nsecret = "env:PARTNER"\n'
    world.settings(partner + 'url = "https://first.example.org/"\n')
    assert run(capsys, world, "apply", "--keep").status == 0
    world.settings(partner + 'url = "https://second.example.org/"\n')
    assert run(capsys, world, "apply", "--keep").status == 0
    assert [one.key for one in world.places("in-force")] == ["partner"]
    assert run(capsys, world, "channels", "replace", "partner").status == 2
    world.settings(partner + 'url = "https://third.example.org/"\n')
    assert run(capsys, world, "channels", "replace", "partner").status == 0
    (in_force,) = world.places("in-force")
    former = next(one for one in world.places("orphan") if one.channel == "partner")
    assert [json.loads(one.settings or b"{}")["table"]["url"] for one in (former, in_force)] == [
        "https://second.example.org/",
        "https://third.example.org/",
    ]
    assert (former.location, in_force.location) == ("partner:partner", "partner:partner#2")
    assert in_force.fill[0] == former.key and SECRET.encode() not in (in_force.settings or b"")


def test_a_partner_that_was_sent_nothing_and_comes_back_is_not_taken_for_the_one_before_it(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNER", SECRET)
    partner = '[[channels]]\nid = "partner"\ntype = "webhook"\nformat = "ninjs"\nsecret = "env:PARTNER"\n'
    world.take_up(partner + 'url = "https://first.example.org/"\n')
    world.settings(partner + 'url = "https://second.example.org/"\n')
    assert run(capsys, world, "channels", "replace", "partner").status == 0
    world.take_up(folder("partner", world.folder / "elsewhere"))
    world.take_up(partner + 'url = "https://second.example.org/"\n')
    (in_force,) = world.places("in-force")
    assert (in_force.channel, in_force.location) == ("partner", "partner:partner#2")


def test_a_folder_is_not_replaced(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, world, "channels", "replace", "archive")
    assert result.status == 2 and "not-a-partner" in result.err


def test_a_channel_that_is_not_in_force_is_not_filled(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.settings(folder("archive", world.folder / "old"), folder("more", world.folder / "more"))
    result = run(capsys, world, "channels", "fill", "more")
    assert result.status == 2 and "channel-not-in-force" in result.err


def test_an_apply_is_not_undone_and_says_what_brings_it_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folder("archive", world.folder / "old"), folder("archive", world.folder / "new")
    world.settings(new)
    assert run(capsys, world, "apply").status == 0
    world.work(6)
    newest, *_ = run(capsys, world, "operations", "--json").json["operations"]
    refused = run(capsys, world, "undo", newest["operation"])
    assert refused.status == 2 and "cannot-be-undone" in refused.err and "put the former settings back" in refused.err
    world.settings(old)
    assert run(capsys, world, "apply").status == 0
    world.work(6)
    assert files(world.folder / "old") == {"a.json-ld": 1, "b.json-ld": 1} and not files(world.folder / "new")
