"""A restored system goes on after what a partner has that cannot be asked, also after several restores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from every_stage import enrich, render
from places_world import World, files, folder, run
from test_reached_everywhere import channel
from test_restored_places import back_up, lose, reopened

from pipeline.channels.webhook.signing import new_secret
from pipeline.stages.stage import drain
from standins.receiver import Receiver


@pytest.fixture
def partner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    secret = new_secret()
    monkeypatch.setenv("PARTNER", secret)
    with Receiver(secrets=[secret]) as receiver:
        yield receiver


@pytest.fixture
def world(tmp_path: Path, partner: Receiver) -> Iterator[World]:
    world = World(empty_ledger(tmp_path / "var"), tmp_path)
    world.take_up(hook(partner))
    yield world
    world.ledger.close()


def hook(partner: Receiver) -> str:
    return channel("hook", "webhook", "json-ld", {"url": f"{partner.url}in", "secret": "env:PARTNER"})


def restored(world: World, partner: Receiver, backup: Path, capsys: pytest.CaptureFixture[str]) -> World:
    """The site after a restore, still held."""
    world.ledger.close()
    said = run(capsys, world, "restore", backup)
    assert said.status == 0, said.err
    return reopened(world, hook(partner))


def go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--accept-all"], ["--resume"]):
        said = run(capsys, world, "restore", *words)
        assert said.status == 0, said.err
    world.work(4)
    world.ledger.close()


def last(partner: Receiver, article: str) -> tuple[int, str]:
    """The newest of what the partner got of an article, which it keeps whatever comes after: revision and event."""
    found = [one.headers for one in partner.received if one.headers["citewire-article"] == article]
    return max((int(one["citewire-revision"]), one["citewire-event"]) for one in found)


def test_a_number_that_a_partner_got_is_not_given_again_after_another_restore(
    world: World, partner: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    world.publish("a")
    world.work()
    backup = back_up(world, capsys)
    for text in ("Second.", "Third."):
        world.publish("a", text=text)
        world.work()
    assert last(partner, "a") == (3, "updated")
    once = restored(world, partner, backup, capsys)
    again = restored(once, partner, backup, capsys)
    assert run(capsys, again, "restore", "--resume").status == 2, "what the first restore found is still to be decided"
    again.publish("a", text="Now.")
    go_on(again, capsys)
    assert last(partner, "a") == (4, "updated")
    assert b"Now." in partner.received[-1].body


def test_what_a_partner_got_after_the_backup_is_withdrawn_although_it_was_not_published_again_yet(
    world: World, partner: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(world, capsys)
    world.publish("wrong")
    world.work()
    again = restored(world, partner, backup, capsys)
    again.publish("wrong", text="As before.")
    again.bench.withdraw("wrong")
    go_on(again, capsys)
    assert last(partner, "wrong") == (3, "withdrawn")


def test_what_was_only_scheduled_when_the_backup_was_made_is_withdrawn_from_the_partner_who_got_it(
    world: World, partner: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    world.publish("wrong")
    for stage in (enrich, render):
        drain(world.bench.context, stage)
    backup = back_up(world, capsys)
    world.work()
    assert last(partner, "wrong") == (1, "published")
    again = restored(world, partner, backup, capsys)
    again.bench.withdraw("wrong")
    go_on(again, capsys)
    assert last(partner, "wrong")[1] == "withdrawn"


def test_what_was_published_and_withdrawn_after_the_backup_is_read_back_and_its_place_is_emptied(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(world, capsys)
    files = folder("archive", tmp_path / "files")
    world.take_up(files)
    world.publish("brief", "stays")
    world.work()
    world.bench.withdraw("brief")
    world.work()
    world.ledger.close()
    assert run(capsys, world, "restore", backup).status == 0
    assert run(capsys, world, "restore", "--accept-all").status == 0
    assert run(capsys, world, "restore", "--resume").status == 0
    again = reopened(world, files)
    assert run(capsys, world, "reconcile", "archive").status in (0, 1)
    again.take_up(empty=True)
    again.work(4)
    assert {row.state for row in again.every_row()} <= {"delivered"}, [row.error for row in again.every_row()]
    assert not again.places("emptying")
    assert [one.name for one in (tmp_path / "files").iterdir() if one.is_file()] == ["brief.json-ld"], "a tombstone"
    again.ledger.close()


def test_a_withdrawal_that_had_not_arrived_of_an_article_that_the_backup_does_not_have_is_sent_after_the_restore(
    world: World, partner: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = back_up(world, capsys)
    world.publish("wrong")
    world.work()
    world.bench.withdraw("wrong", reason="Wrong dose.")
    again = restored(world, partner, backup, capsys)
    assert run(capsys, again, "restore", "--resume").status == 0, "nothing is left to be decided"
    again.work(4)
    again.ledger.close()
    assert last(partner, "wrong") == (2, "withdrawn")
    assert b"Wrong dose." in partner.received[-1].body


def lost(world: World, backup: Path, channels: str, capsys: pytest.CaptureFixture[str]) -> World:
    """The site after a restore that found no former ledger, still held."""
    lose(world)
    said = run(capsys, world, "restore", backup)
    assert said.status == 0, said.err
    return reopened(world, channels)


def test_a_file_of_an_article_that_is_published_anew_is_withdrawn_although_no_ledger_knows_of_it(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = folder("archive", tmp_path / "files")
    world.take_up(archive)
    backup = back_up(world, capsys)
    world.publish("wrong", "strange")
    world.work()
    again = lost(world, backup, archive, capsys)
    again.publish("wrong", text="As before.")
    again.bench.withdraw("wrong")
    go_on(again, capsys)
    assert files(tmp_path / "files") == {"wrong.json-ld": "withdrawn", "strange.json-ld": 1}
    drift = run(capsys, world, "reconcile", "archive")
    assert "strange.json-ld was not delivered here by this system" in drift.out, drift.err


def test_a_file_in_a_format_that_the_channel_had_only_after_the_backup_goes_with_the_next_delivery(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = (folder("archive", tmp_path / "files", format) for format in ("json-ld", "markdown"))
    world.take_up(before)
    world.publish("a")
    world.work()
    backup = back_up(world, capsys)
    world.take_up(after)
    world.work()
    assert files(tmp_path / "files") == {"a.md": 1}
    world.settings(before)
    again = lost(world, backup, before, capsys)
    go_on(again, capsys)
    assert files(tmp_path / "files") == {"a.json-ld": 2}
    assert not (tmp_path / "files" / "a.md").exists()


def test_what_was_accepted_after_the_backup_and_had_not_gone_out_is_named_until_a_person_decides(
    world: World, partner: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    world.publish("returned")
    world.work()
    backup = back_up(world, capsys)
    world.bench.withdraw("returned")
    world.work()
    world.publish("returned", text="Put right.")
    world.publish("late")
    world.ledger.close()
    said = run(capsys, world, "restore", backup)
    waiting = "had been accepted by the former ledger, and had not gone out"
    assert f"late: revision 1 {waiting}; not in the backup" in said.out
    assert f"returned: revision 3 {waiting}; revision 2, withdrawn, in the former ledger" in said.out
    again = reopened(world, hook(partner))
    again.publish("late")
    refused = run(capsys, again, "restore", "--resume")
    assert (refused.status, "restore-undecided" in refused.err) == (2, True)
    again.publish("returned", text="Put right.")
    assert run(capsys, again, "restore", "--resume").status == 0
    again.work(4)
    again.ledger.close()
    assert [last(partner, one) for one in ("late", "returned")] == [(2, "published"), (4, "updated")]
