"""A restore compares with the ledger that was used before, wherever that is, and only once nobody uses it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from empty_ledger import emptied_ledger, empty_ledger
from own_database import own, server
from place_restoring import reopen
from places_world import World, files, folder, run
from sqlalchemy.engine import URL
from test_restored_places import back_up

from pipeline.ledger import Ledger, places, processes
from pipeline.ledger.processes import Process
from pipeline.stages.places.former import bring_over

__all__ = ["own", "server"]  # fixtures


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def test_what_a_former_postgresql_database_knows_is_withdrawn_again_and_shown(
    tmp_path: Path, postgresql: str, own: URL, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMER", postgresql)
    monkeypatch.setenv("CITEWIRE_DATABASE_URL", postgresql)
    world = World(emptied_ledger(postgresql), tmp_path)
    world.bench.clock.now = dt.datetime.now(dt.UTC)  # by which commands date what they write
    world.take_up(folder("archive", tmp_path / "first"))
    world.publish("stays", "wrong", "edited")
    world.work()
    backup = back_up(world, capsys)
    for name in ("between", "now"):
        world.take_up(folder("archive", tmp_path / name))
        world.work()
    world.publish("edited", text="Take none of it.")
    world.publish("later")
    world.bench.withdraw("wrong")
    world.work()
    again = run(capsys, world, "restore", backup, "--former", "env:FORMER")
    assert again.status == 2 and "ledger-not-empty" in again.err and "--former" in again.err

    monkeypatch.setenv("CITEWIRE_DATABASE_URL", text_of(own))
    said = run(capsys, world, "restore", backup, "--former", "env:FORMER", "--json")

    assert said.status == 0 and "no former ledger" not in said.err, said.err
    beyond = {(one["article"], one["kind"]) for one in said.json["undecided"] if one["place"] == ""}
    assert beyond == {("edited", "newer"), ("later", "newer")}
    assert run(capsys, world, "restore", "--accept-all").status == 0
    assert run(capsys, world, "restore", "--resume").status == 0
    world.bench.clock.pass_(60)
    reopen(world, text_of(own))
    world.open_channels(world.settings(folder("archive", tmp_path / "now")))
    assert {one.location for one in world.places("orphan")} == {
        f"file://{tmp_path / name}" for name in ("first", "between")
    }
    world.work(4)
    for name in ("first", "between", "now"):
        assert files(tmp_path / name)["wrong.json-ld"] == "withdrawn"
    world.ledger.close()


def test_a_restore_says_that_no_former_ledger_was_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(empty_ledger(tmp_path / "var")) as ledger:
        world = World(ledger, tmp_path)
        world.settings()
        said = run(capsys, world, "restore", back_up(world, capsys))
    assert said.status == 0 and "no former ledger was compared" in said.err


def test_a_place_that_only_the_former_ledger_knows_goes_on_signing_with_what_was_made_there(tmp_path: Path) -> None:
    with closing(empty_ledger(tmp_path / "var")) as ledger, closing(empty_ledger(tmp_path / "here")) as restored:
        world, now = World(ledger, tmp_path), dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
        world.take_up(folder("archive", tmp_path / "old"))
        world.publish("a")
        world.work()
        with ledger.write() as transaction:
            places.sign_with(transaction, "archive", b"sealed", rotated=now, former_until=None, now=now)
        with ledger.read() as there, restored.write() as here:
            (left,) = bring_over(here, there, now=now)
            assert places.find(here, left.key) == left
        assert (left.signing, left.rotated) == (b"sealed", now)


@pytest.fixture
def former(tmp_path: Path) -> Ledger:
    ledger = empty_ledger(tmp_path / "elsewhere")
    world = World(ledger, tmp_path / "elsewhere")
    world.publish("a")
    world.work(1)
    with ledger.write() as transaction:
        processes.record(transaction, worker(dt.datetime.now(dt.UTC)))
    return ledger


def worker(seen: dt.datetime) -> Process:
    names = {"name": "host:7", "kind": "worker", "host": "host", "release": "1", "schema": "1", "settings": "x"}
    return Process(**names, started=seen, seen=seen, clock_off=0)


def beats(ledger: Ledger) -> None:
    """The process gives another sign of life."""
    with ledger.write() as transaction:
        processes.record(transaction, worker(dt.datetime.now(dt.UTC)))


def is_forgotten(ledger: Ledger) -> None:
    """The process has given none for longer than one that works would take."""
    with ledger.write() as transaction:
        processes.record(transaction, worker(dt.datetime.now(dt.UTC) - processes.ALIVE))


@pytest.mark.parametrize(("meanwhile", "status"), [(beats, 2), (is_forgotten, 0)])
def test_a_former_ledger_is_compared_once_no_process_uses_it(
    tmp_path: Path,
    former: Ledger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[Ledger], None],
    status: int,
) -> None:
    with closing(empty_ledger(tmp_path / "var")) as ledger, closing(former):
        world = World(ledger, tmp_path)
        world.settings()
        backup = back_up(world, capsys)
        monkeypatch.setattr(time, "sleep", lambda _: meanwhile(former))
        said = run(capsys, world, "restore", backup, "--former", text_of(former.url))
    assert said.status == status, said.err
    assert ("data-in-use" in said.err) == bool(status)
    assert ("a: revision 1, live, in the former ledger" in said.out) == (not status)


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("sqlite:///{folder}/none.sqlite", "ledger-missing"),
        ("sqlite:///{folder}/var/ledger.sqlite", "former-ledger-empty"),
        ("mysql://host/notes", "invalid-database-url"),
        ("env:NOT SET", "invalid-database-url"),
        ("env:NOT_SET", "secret-missing"),
    ],
)
def test_a_former_ledger_that_cannot_be_meant_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str, code: str
) -> None:
    with closing(empty_ledger(tmp_path / "var")) as ledger:
        world = World(ledger, tmp_path)
        world.settings()
        backup = back_up(world, capsys)
        said = run(capsys, world, "restore", backup, "--former", named.format(folder=tmp_path))
        assert said.status == 2 and f"[{code}]" in said.err, said.err
        assert run(capsys, world, "restore", "--former", named).status == 2
    assert [one.name for one in (tmp_path / "var").glob("ledger-before-restore-*")] == []
