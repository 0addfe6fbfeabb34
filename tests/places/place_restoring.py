"""Backups of a run, and the way back, by the commands that an operator uses: at the run's own time, in this process."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from place_child import few_formats
from places_world import World

from pipeline.ledger import Ledger, findings
from pipeline.ledger.findings import Finding
from pipeline.stages.accept import Intake
from workers import wiring
from workers.cli import backups


def without_power_cuts(ledger: Ledger) -> Ledger:
    """Let SQLite not wait for the disk: processes are killed here, and no machine."""
    if ledger.is_sqlite:
        sa.event.listen(ledger._engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return ledger


def back_up(world: World, file: Path) -> None:
    with _at(world, str(world.ledger.url.render_as_string(hide_password=False))) as where:
        backups.backup(file, **where)


def restore(world: World, file: Path, url: str) -> None:
    """Restore a backup into the database at `url`, which for PostgreSQL is another one and empty."""
    world.ledger.close()
    used = world.ledger.url.render_as_string(hide_password=False)
    with _at(world, url) as where:
        backups.restore(file, former=None if used == url else used, accept=None, **where)


def reopen(world: World, url: str) -> None:
    """Have the world use the ledger at `url`."""
    world.ledger.close()
    world.ledger = world.bench.ledger = without_power_cuts(Ledger(url))
    object.__setattr__(world.bench.context, "ledger", world.ledger)


def undecided(world: World) -> list[Finding]:
    with world.ledger.read() as transaction:
        return findings.undecided(transaction)


def accept_all(world: World) -> None:
    with _at(world, world.ledger.url.render_as_string(hide_password=False)) as where:
        backups.restore(None, former=None, accept=None, accept_all=True, **where)


def resume(world: World) -> None:
    with _at(world, world.ledger.url.render_as_string(hide_password=False)) as where:
        backups.restore(None, former=None, accept=None, resume=True, **where)


@contextlib.contextmanager
def _at(world: World, url: str) -> Iterator[dict[str, Any]]:
    """Have commands take the run's time for their own, and few formats."""
    clock, build = world.bench.clock, wiring.build_context

    def built(*arguments: Any, **named: Any) -> Any:
        return dataclasses.replace(build(*arguments, **named), clock=clock, formats=few_formats())

    def intake(ledger: Ledger, system: Any) -> Intake:
        return dataclasses.replace(world.bench._intake(), ledger=ledger)

    now: Callable[..., object] = lambda *_: clock.now  # noqa: E731
    configuration = structlog.get_config()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        if not url.startswith("sqlite"):
            patch.setenv("CITEWIRE_DATABASE_URL", url)
        for name, value in (("now", now), ("ledger_now", now), ("intake_of", intake), ("log_to_stderr", lambda: None)):
            patch.setattr(backups, name, value)
        patch.setattr(wiring, "build_context", built)
        with contextlib.redirect_stderr(io.StringIO()):
            yield {"data": world.folder / "var", "config": world.folder / "site.toml"}
    structlog.configure(**configuration)
