"""A restore that is killed anywhere, and given again, is the same as one that was not."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from place_child import new_world
from place_killing import Killed, Killer, killable
from places_world import World, folder, run

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


def states(world: World, *ids: str) -> list[str]:
    """What a ledger says that is held, which it must be before anything else."""
    ledger = Ledger(f"sqlite:///{world.folder / 'var' / 'ledger.sqlite'}")
    with ledger.read() as transaction:
        assert restorations.pending(transaction) is not None
        found = [articles.get(transaction, id) for id in ids]
    ledger.close()
    return [one.state if one is not None else "unknown" for one in found]


def test_no_withdrawal_is_forgotten_wherever_a_restore_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in itertools.count():
        world = new_world(empty_ledger(tmp_path / f"{step}" / "var"), tmp_path / f"{step}")
        world.take_up(folder("archive", world.folder / "files"))
        world.publish("stays", "wrong")
        world.work(1)
        backup, var = world.folder / "site.backup", world.folder / "var"
        assert run(capsys, world, "backup", backup).status == 0
        world.bench.withdraw("wrong")
        world.ledger.close()
        killer = AtStep(step)
        with killable(killer), contextlib.suppress(Killed):
            backups.restore(backup, data=var, config=world.folder / "site.toml", accept=None)
        if not killer.dead:
            break
        assert (var / "ledger.sqlite").exists(), f"killed at step {step}, and there is no ledger"
        said = run(capsys, world, "restore", backup)
        assert said.status == 0, said.err
        assert states(world, "stays", "wrong") == ["live", "withdrawn"], f"killed at step {step}"
    assert step > 8
