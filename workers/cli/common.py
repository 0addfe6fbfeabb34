"""What the commands share: options, finding the running system, and printing an answer."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from config import COPY, file_in_force, load
from config.known import Known, fingerprint, keep, known_of, recall
from pipeline.errors import ConfigError, InvalidEvent
from workers import runfile

if TYPE_CHECKING:
    from config.settings import Settings
    from pipeline.ledger import Ledger, Transaction
    from pipeline.stages.acts import Act

DataOption = Annotated[Path | None, typer.Option("--data", help="The data folder (default: CITEWIRE_DATA, or var/).")]

ConfigOption = Annotated[Path | None, typer.Option("--config", help="The site's TOML file (default: CITEWIRE_CONFIG).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
UtcOption = Annotated[bool, typer.Option("--utc", help="Show times in UTC, not how far away they are.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait at most, with --wait.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Return when every delivery has ended.")]


@dataclass(frozen=True)
class System:
    """A system, running or not, as a command finds it. Only the ledger has to exist."""

    known: Known  # what most commands need of its settings
    running: runfile.Running | None
    error: str | None = None  # what is wrong with the settings on disk; the others are then those in force
    fingerprint: str | None = None  # of settings that were just checked, to be kept; None: not to be kept
    is_named: bool = True  # whether an option or a variable names the data folder
    read: Settings | None = None  # all of them, if they were read

    @classmethod
    def of(cls, settings: Settings, running: runfile.Running | None, **more: Any) -> System:
        """Return a system of which all settings were read."""
        return cls(known_of(settings), running, read=settings, **more)

    @cached_property
    def settings(self) -> Settings:
        """All settings, read and checked if that was not done yet. Raises ConfigError."""
        return self.read or load(os.environ, file=self.known.file, data=self.known.data)

    @property
    def redis_url(self) -> str | None:
        return self.known.redis_url or (self.running.redis if self.running else None)

    def keep(self) -> None:
        """Keep what is known of the settings for the next commands, in the data folder, if it is not kept yet."""
        if self.fingerprint and self.fingerprint == fingerprint(os.environ, self.known.file, named=self.is_named):
            keep(self.known, os.environ, [self.fingerprint])


def find(data: Path | None, config: Path | None = None) -> System:
    """Find the system by `--data` or the environment. A running system's note says which settings file it uses.

    Settings that were checked before, and have not changed since, are not checked again.
    """
    folder, is_named = data_folder(data), data is not None or bool(os.environ.get("CITEWIRE_DATA"))
    running = runfile.read(folder)
    file = file_in_force(os.environ, config)
    if file is None and (file := _file_of(running)) is not None:
        is_named = True
    if known := recall(folder, os.environ, file, named=is_named):
        return System(known, running)
    before = fingerprint(os.environ, file, named=is_named)
    settings = load(os.environ, file=config, data=data)
    running = runfile.read(settings.data)
    if file_in_force(os.environ, config) is None and (own := _file_of(running)) is not None:
        settings = load(os.environ, file=own, data=settings.data)
    is_same = (settings.data, settings.file) == (folder, file)
    return System.of(settings, running, fingerprint=before if is_same else None, is_named=is_named)


def _file_of(running: runfile.Running | None) -> Path | None:
    """Return the settings file of a running system, if it is still there."""
    file = Path(running.config) if running and running.config else None
    return file if file is not None and file.exists() else None


def data_folder(data: Path | None) -> Path:
    """Return the folder that the option, the environment or the default names, without reading any settings."""
    return data or Path(os.environ.get("CITEWIRE_DATA") or "var")


def find_in_force(data: Path | None, config: Path | None = None) -> System:
    """Find the system as `find`. If the settings on disk are bad, those that the running system uses are taken."""
    try:
        return find(data, config)
    except ConfigError as error:
        folder = data_folder(data)
        running = runfile.read(folder)
        if running is None or running.config is None or not runfile.copy_of(folder).exists():
            raise
        settings = load(os.environ | {COPY: str(runfile.copy_of(folder))}, file=Path(running.config), data=folder)
        return System.of(settings, running, error=str(error))


def settings_state(system: System) -> dict[str, Any]:
    """Return digests of the settings in force and on disk, whether they differ, and what is wrong with the latter."""
    in_force = system.running.settings if system.running else None
    on_disk = None if system.error else system.known.digest
    differ = in_force is not None and in_force != on_disk
    return {"in_force": in_force, "on_disk": on_disk, "differ": differ, "error": system.error}


@contextmanager
def open_ledger(system: System) -> Iterator[Ledger]:
    """Open the ledger for commands that start something. Creates it if missing, and migrates it if older."""
    from workers import opening

    with closing(opening.open_ledger(system.known)) as ledger:
        system.keep()
        yield ledger


@contextmanager
def existing_ledger(system: System) -> Iterator[Ledger]:
    """Open the ledger for commands that read or change what is there. Never creates or migrates it.

    Raises ConfigError `ledger-missing` or `ledger-older`.
    """
    from workers import opening

    with closing(opening.existing_ledger(system.known)) as ledger:
        yield ledger


@contextmanager
def reading(system: System) -> Iterator[tuple[Transaction, dt.datetime]]:
    """Yield a transaction that reads the ledger as `existing_ledger`, and the ledger's time."""
    with existing_ledger(system) as ledger:
        at = ledger_now(ledger, system)
        with ledger.read() as transaction:
            yield transaction, at


@contextmanager
def writing(system: System) -> Iterator[tuple[Transaction, dt.datetime]]:
    """Yield a transaction that changes what is there, and the ledger's time."""
    with existing_ledger(system) as ledger:
        at = ledger_now(ledger, system)
        with ledger.write() as transaction:
            yield transaction, at


def log_to_stderr() -> None:
    """Keep standard output for the answer, in commands that do what workers do."""
    import structlog

    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def print_json(document: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def ledger_now(ledger: Ledger, system: System) -> dt.datetime:
    """Return the ledger's time, by which everything that a command writes is dated."""
    from pipeline.ledger import clock

    return clock.ledger_time(ledger, now(), running=system.running is not None)


def act_of(command: str, at: dt.datetime) -> Act:
    """Return who changes something: a command."""
    from pipeline.stages.acts import Act

    return Act(new_id("op_"), f"citewire {command}", at)


def new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(12)


def moment_of(text: str, *, option: str) -> dt.datetime:
    """Parse the time given to an option. Raises InvalidEvent naming the option."""
    hint = "write it with its zone: 2026-03-01T12:00Z"
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidEvent(f"{text!r} is not a time", code="invalid-time", field=option, hint=hint) from error
    if moment.tzinfo is None:
        raise InvalidEvent(f"{text!r} has no zone", code="invalid-time", field=option, hint=hint)
    return moment.astimezone(dt.UTC)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
