"""After a restore each place is asked what it has beyond the backup, and nothing is sent before that is decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from channels import object_stores, sftp_server
from empty_ledger import empty_ledger
from places_world import World, files, folder, run
from test_reached_everywhere import channel

from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger
from standins.receiver import Conduct, Receiver


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(empty_ledger(tmp_path / "var"), tmp_path)
    yield world
    world.ledger.close()


def back_up(world: World, capsys: pytest.CaptureFixture[str]) -> Path:
    file = world.folder / "site.backup"
    assert run(capsys, world, "backup", file).status == 0
    return file


def backed_up_with_a_file(world: World, capsys: pytest.CaptureFixture[str]) -> Path:
    """The backup of a site whose one article lies in the folder `files`."""
    world.take_up(folder("archive", world.folder / "files"))
    world.publish("a")
    world.work()
    return back_up(world, capsys)


def lose(world: World) -> None:
    """Lose the ledger's disk, but not the places."""
    world.ledger.close()
    for path in (world.folder / "var").glob("ledger.sqlite*"):
        path.unlink()


def reopened(world: World, *channels: str) -> World:
    """The same site with the restored ledger."""
    again = World(Ledger(f"sqlite:///{world.folder / 'var' / 'ledger.sqlite'}"), world.folder)
    again.bench.clock.now = dt.datetime.now(dt.UTC)  # by which the commands dated what they wrote
    again.bench.events = world.bench.events
    again.bench.new_id = lambda prefix: world.bench.new_id(f"{prefix}again-")
    object.__setattr__(again.bench.context, "new_id", again.bench.new_id)
    again.take_up(*channels)
    return again


def test_what_folders_servers_and_stores_have_beyond_the_backup_is_held_for_a_word(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, remote = tmp_path / "keys", tmp_path / "remote"
    keys.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(sftp_server.running(keys))
        bucket = object_stores.s3(tmp_path, monkeypatch)
        sftp = {**server.settings, "path": str(remote)}
        channels = [
            folder("archive", tmp_path / "files"),
            channel("server", "sftp", "json-ld", sftp),
            channel("store", "object-store", "ninjs", bucket.settings),
        ]
        world.take_up(*channels)
        world.publish("same", "edited", "withdrawn", "lost")
        world.work()
        backup = back_up(world, capsys)
        world.publish("edited", text="Take half of it.")
        world.publish("new")
        world.work()
        world.publish("edited", text="Take none of it.")
        world.bench.withdraw("withdrawn")
        world.work()
        (tmp_path / "files" / "lost.json-ld").unlink()
        (tmp_path / "files" / "manifest" / "lost.json-ld.json").unlink()
        lose(world)

        said = run(capsys, world, "restore", backup, "--json")

        assert said.status == 0, said.err
        found = {(one["place"], one["article"]): (one["kind"], one["revision"]) for one in said.json["undecided"]}
        beyond = {"edited": ("newer", 3), "withdrawn": ("withdrawn", 2), "new": ("newer", 1)}
        expected = {(place, id): what for place in ("archive", "server", "store") for id, what in beyond.items()}
        assert found == expected | {("archive", "lost"): ("gone", 1)}
        refused = run(capsys, world, "restore", "--resume")
        assert refused.status == 2 and "restore-undecided" in refused.err

        assert run(capsys, world, "withdraw", "withdrawn", "--reason", "Wrong dose.").status == 0
        assert run(capsys, world, "restore", "--accept", "edited", "--accept", "lost").status == 0
        left = run(capsys, world, "restore", "--look", "--json").json["undecided"]
        assert {one["article"] for one in left} == {"new"}
        assert run(capsys, world, "restore", "--accept-all").status == 0
        assert run(capsys, world, "restore", "--resume").out == "the system goes on\n"

        again = reopened(world, *channels)
        again.work(4)
        for place in (tmp_path / "files", remote):
            shown = files(place)
            assert shown["withdrawn.json-ld"] == "withdrawn" and shown["edited.json-ld"] == 4, shown
            assert "Rest." in (place / "edited.json-ld").read_text(), "the operator said that the backup counts"
        assert (tmp_path / "files" / "lost.json-ld").exists() and (remote / "lost.json-ld").exists()
        assert b"withdrawn" in (bucket.get("manifest/withdrawn.ninjs.json") or b"")
        assert {row.state for row in again.every_row()} == {"delivered"}
        again.publish("new", text="Again.")
        again.work()
        assert files(remote)["new.json-ld"] == 2, "its number follows the one that is there"
        again.ledger.close()


def test_a_partner_with_a_proof_is_asked_and_one_without_is_named(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv("PARTNER", secret)
    with Receiver(secrets=[secret]) as partner:
        hook = {"url": f"{partner.url}in", "secret": "env:PARTNER"}
        channels = [
            channel("asked", "webhook", "json-ld", hook | {"proof_url": f"{partner.url}articles/{{article}}"}),
            channel("silent", "webhook", "json-ld", hook | {"secret": "env:OTHER"}),
        ]
        monkeypatch.setenv("OTHER", new_secret())
        world.take_up(*channels)
        world.publish("kept", "taken-down")
        world.work()
        backup = back_up(world, capsys)
        lose(world)
        partner.conduct(Conduct(path="/articles/taken-down", status=404))
        said = run(capsys, world, "restore", backup, "--json").json
        places = {one["key"]: one["readable"] for one in said["places"]}
        assert places == {"asked": True, "silent": False}
        assert [(one["place"], one["article"], one["kind"]) for one in said["undecided"]] == [
            ("asked", "taken-down", "gone")
        ]


def test_a_place_that_does_not_answer_holds_everything_until_it_does_or_an_operator_goes_on_without_it(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = backed_up_with_a_file(world, capsys)
    lose(world)
    (tmp_path / "files").rename(tmp_path / "elsewhere")
    (tmp_path / "files").write_text("not a folder")
    said = run(capsys, world, "restore", backup, "--json").json
    assert [(one["place"], one["kind"]) for one in said["undecided"]] == [("archive", "unread")]
    assert run(capsys, world, "restore", "--resume").status == 2
    (tmp_path / "files").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "files")
    assert run(capsys, world, "restore", "--look", "--json").json["undecided"] == []
    assert run(capsys, world, "restore", "--resume").status == 0
    assert run(capsys, world, "restore", "--look").status == 2
    assert run(capsys, world, "restore", "--accept", "a").status == 2


def test_a_copy_that_the_backup_does_not_know_of_is_corrected_and_withdrawn_from(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = folder("archive", tmp_path / "old"), folder("archive", tmp_path / "new")
    world.take_up(old)
    world.publish("a", "b")
    world.work()
    backup = back_up(world, capsys)
    world.take_up(new)
    world.work()
    lose(world)
    assert run(capsys, world, "restore", backup, "--json").json["undecided"] == []
    assert run(capsys, world, "withdraw", "a", "--reason", "Wrong dose.").status == 0
    assert run(capsys, world, "restore", "--resume").status == 0
    again = reopened(world, new)
    again.work(4)
    for place in ("old", "new"):
        assert files(tmp_path / place) == {"a.json-ld": "withdrawn", "b.json-ld": 1}
    again.ledger.close()


def test_what_the_former_ledger_knows_of_receipts_is_shown(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = backed_up_with_a_file(world, capsys)
    world.publish("a", text="Take none of it.")
    world.work()
    world.ledger.close()
    for path in (tmp_path / "files").rglob("a.*"):
        path.unlink()  # so that only the receipt says so
    found = run(capsys, world, "restore", backup, "--json").json["undecided"]
    assert {(one["place"], one["revision"]) for one in found} == {("", 2), ("archive", 2)}
    assert any("it accepted revision 2 (updated) at" in one["detail"] for one in found)
