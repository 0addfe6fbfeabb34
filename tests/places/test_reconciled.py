"""The files at a place are compared with the ledger, and repaired."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from places_world import World, files, folder, run

from pipeline.ledger import places
from pipeline.ledger.places import Place
from pipeline.stages.places.reading import Reconcile
from pipeline.stages.stage import drain

nightly = Reconcile()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ledger = empty_ledger(tmp_path / "var")
    world = World(ledger, tmp_path)
    world.take_up(folder("archive", tmp_path / "files"))
    world.publish("a", "b", "c", "d")
    world.work()
    shutil.copytree(tmp_path / "files", tmp_path / "before")
    world.publish("b", text="Move.")
    world.bench.withdraw("d")
    world.work()
    yield world
    ledger.close()


def spoil(world: World) -> Path:
    """One file is missing, one older, one changed, a withdrawn article is back, and one is a stranger's."""
    path, before = world.folder / "files", world.folder / "before"
    (path / "a.json-ld").unlink()
    for name in ("b", "d"):
        shutil.copy(before / f"{name}.json-ld", path)
        shutil.copy(before / "manifest" / f"{name}.json-ld.json", path / "manifest")
    (path / "c.json-ld").write_bytes(b"changed by hand")
    strange = (before / "manifest" / "a.json-ld.json").read_bytes().replace(b'"article":"a"', b'"article":"e"')
    (path / "manifest" / "e.json-ld.json").write_bytes(strange)
    (path / "e.json-ld").write_bytes(b"who put this here?")
    return path


def test_a_place_that_is_as_it_should_be(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, world, "reconcile", "--json")
    assert (result.status, result.json["left"]) == (0, 0)
    assert run(capsys, world, "reconcile", "archive").status == 0
    assert run(capsys, world, "reconcile", "nobody").status == 4


def test_every_kind_of_drift_is_named_and_mended_except_a_strangers_file(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    path = spoil(world)
    result = run(capsys, world, "reconcile", "--json")
    (place,) = result.json["places"]
    assert result.status == 1
    assert {one["name"]: one["kind"] for one in place["drift"]} == {
        "a": "missing",
        "b": "older",
        "c": "unknown",
        "d": "withdrawn",
        "e.json-ld": "unknown",
    }
    assert run(capsys, world, "status", "--json").json["drift"] == {"archive": 5}
    mended = run(capsys, world, "reconcile", "--mend", "--json")
    (place,) = mended.json["places"]
    assert (mended.status, place["mended"]) == (1, 4)
    assert [one["name"] for one in place["drift"]] == ["e.json-ld"]
    assert files(path) | {"e.json-ld": 1} == {
        "a.json-ld": 1,
        "b.json-ld": 2,
        "c.json-ld": 1,
        "d.json-ld": "withdrawn",
        "e.json-ld": 1,
    }
    (path / "e.json-ld").unlink()
    assert run(capsys, world, "reconcile").status == 0


def test_a_withdrawn_article_that_was_never_sent_there_is_withdrawn_there(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    new = world.folder / "new"
    world.take_up(folder("archive", world.folder / "files"), folder("more", new))
    world.work()
    for part in ("", "manifest"):
        suffix = ".json" if part else ""
        shutil.copy(world.folder / "before" / part / f"d.json-ld{suffix}", new / part)
    result = run(capsys, world, "reconcile", "more", "--json")
    assert [(one["name"], one["kind"]) for one in result.json["places"][0]["drift"]] == [("d.json-ld", "withdrawn")]
    assert run(capsys, world, "reconcile", "more", "--mend").status == 0
    assert files(new)["d.json-ld"] == "withdrawn"


def test_a_place_that_is_gone_lacks_everything(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(world.folder / "files")
    result = run(capsys, world, "reconcile", "--mend")
    assert result.status == 0
    assert set(files(world.folder / "files")) == {"a.json-ld", "b.json-ld", "c.json-ld"}


def test_an_orphan_is_read_back_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.take_up(folder("archive", world.folder / "new"))
    world.work()
    spoil(world)
    result = run(capsys, world, "reconcile", "--json")
    assert {one["state"]: len(one["drift"]) for one in result.json["places"]} == {"in-force": 0, "orphan": 5}


def test_every_night_each_place_is_read_in_portions(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.publish(*(f"more-{number}" for number in range(25)))
    world.work()
    drain(world.bench.context, nightly)
    good = shutil.copytree(world.folder / "files", world.folder / "good")
    path = spoil(world)
    world.bench.clock.pass_(dt.timedelta(days=1).total_seconds())
    for _ in range(5):
        drain(world.bench.context, nightly)
        world.bench.clock.pass_(6)
    assert run(capsys, world, "status", "--json").json["drift"] == {"archive": 5}
    (place,) = run(capsys, world, "places", "--json").json["places"]
    assert place["checked"] and place["drift"] == 5
    shutil.rmtree(path)
    shutil.copytree(good, path)
    world.bench.clock.pass_(dt.timedelta(days=1).total_seconds())
    for _ in range(5):
        drain(world.bench.context, nightly)
        world.bench.clock.pass_(6)
    assert run(capsys, world, "status", "--json").json["drift"] == {}


def test_new_places_all_get_their_first_time_at_once(world: World) -> None:
    bench = world.bench
    world.take_up(*(folder(f"folder-{number}", world.folder / f"files-{number}") for number in range(8)))
    assert len([place for place in world.places("in-force") if place.check_due is None]) >= 8
    assert nightly.claim(bench.context) == []
    times = [place.check_due for place in world.places("in-force")]
    assert None not in times
    with bench.ledger.read() as transaction:
        assert list(nightly.due(bench.context, transaction, bench.clock())) == []


def test_a_place_that_does_not_answer_is_tried_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    drain(world.bench.context, nightly)
    path = world.folder / "files"
    shutil.rmtree(path)
    path.write_text("no folder")
    world.bench.clock.pass_(dt.timedelta(days=1).total_seconds())
    drain(world.bench.context, nightly)
    (place,) = run(capsys, world, "places", "--json").json["places"]
    assert "folder-refused" in place["check_error"] and not place["checked"]
    assert run(capsys, world, "reconcile").status == 1


def test_a_failure_that_is_recorded_after_the_next_worker_has_read_the_place_changes_nothing(world: World) -> None:
    bench = world.bench
    drain(bench.context, nightly)  # it is read at some hour of the day
    bench.clock.pass_(86_400)
    (lost,) = nightly.claim(bench.context)
    bench.clock.pass_(901)
    drain(bench.context, nightly)

    def place() -> Place | None:
        with world.ledger.read() as transaction:
            return places.find(transaction, lost.keys[0])

    before = place()
    assert before is not None and before.checked == bench.clock.now
    nightly.failed(bench.context, lost, LookupError("what it needed is gone"))
    assert place() == before
