"""A restore that is killed anywhere, and given again, is the same as one that was not."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import gc
import itertools
import shutil
import stat
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from place_child import new_world
from place_killing import Killed, Killer, killable
from place_restoring import reopen
from places_world import files, folder, run

from pipeline.ledger import Ledger, articles, restorations
from workers.cli import backups


class AtStep(Killer):
    """Kills at one step."""

    def __init__(self, step: int) -> None:
        self.left, self.dead = step, False

    def strike(self) -> None:
        self.left -= 1
        if self.dead or self.left < 0:
            self.dead = True
            raise Killed


def states(folder: Path, *ids: str) -> list[str]:
    """What a ledger says that is held, which it must be before anything else."""
    ledger = Ledger(f"sqlite:///{folder / 'var' / 'ledger.sqlite'}")
    with ledger.read() as transaction:
        assert restorations.pending(transaction) is not None
        found = [articles.get(transaction, id) for id in ids]
    ledger.close()
    return [one.state if one is not None else "unknown" for one in found]


def test_no_withdrawal_is_forgotten_wherever_a_restore_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, before = tmp_path / "site", tmp_path / "before"
    world = new_world(empty_ledger(site / "var"), site)
    world.take_up(folder("archive", site / "files"))
    world.publish("stays", "wrong")
    world.work(1)
    backup, var = site / "site.backup", site / "var"
    assert run(capsys, world, "backup", backup).status == 0
    world.bench.withdraw("wrong")
    world.ledger.close()
    site.rename(before)
    for step in itertools.count():
        shutil.copytree(before, site)  # where it was: its settings and its places name their folders
        killer = AtStep(step)
        with killable(killer), contextlib.suppress(Killed):
            backups.restore(backup, data=var, config=site / "site.toml", former=None, accept=None)
        if not killer.dead:
            break
        gc.collect()  # what a process has open is closed when it is killed
        assert (var / "ledger.sqlite").exists(), f"killed at step {step}, and there is no ledger"
        said = run(capsys, world, "restore", backup)
        assert said.status == 0, said.err
        assert states(site, "stays", "wrong") == ["live", "withdrawn"], f"killed at step {step}"
        shutil.rmtree(site)
    assert step > 8


def test_a_place_that_a_channel_had_only_after_the_backup_is_still_withdrawn_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = new_world(empty_ledger(tmp_path / "var"), tmp_path)
    world.bench.clock.now = dt.datetime.now(dt.UTC)  # by which commands date what they write
    world.take_up(folder("archive", tmp_path / "first"))
    world.publish("wrong")
    world.work()
    backup = tmp_path / "site.backup"
    assert run(capsys, world, "backup", backup).status == 0
    for name in ("between", "now"):
        world.take_up(folder("archive", tmp_path / name))
        world.work()
    world.ledger.close()
    assert run(capsys, world, "restore", backup).status == 0
    assert run(capsys, world, "restore", "--accept-all").status in (0, 2)
    assert run(capsys, world, "withdraw", "wrong", "--reason", "Wrong dose.").status == 0
    assert run(capsys, world, "restore", "--resume").status == 0
    world.bench.clock.pass_(60)
    reopen(world, f"sqlite:///{tmp_path / 'var' / 'ledger.sqlite'}")
    world.open_channels(world.settings(folder("archive", tmp_path / "now")))
    paths = [tmp_path / name for name in ("first", "between", "now")]
    assert {one.location for one in world.places("orphan")} == {f"file://{path}" for path in paths[:2]}
    world.work()
    assert [files(path) for path in paths] == [{"wrong.json-ld": "withdrawn"}] * 3
    world.ledger.close()


@pytest.mark.parametrize("links", [True, False], ids=["linked", "copied"])
def test_others_cannot_read_a_restored_ledger_or_the_former_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    world = new_world(empty_ledger(tmp_path / "var"), tmp_path)
    world.take_up(folder("archive", tmp_path / "files"))
    world.publish("embargoed")
    assert run(capsys, world, "backup", tmp_path / "site.backup").status == 0
    world.ledger.close()
    (tmp_path / "var").chmod(0o755)
    (tmp_path / "var" / "ledger.sqlite").chmod(0o600)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)
    said = run(capsys, world, "restore", tmp_path / "site.backup")
    assert said.status == 0, said.err
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "var").glob("ledger*")}
    assert {"ledger.sqlite", "ledger-before-restore-1.sqlite"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o751


def no_links(self: Path, target: Path) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")
