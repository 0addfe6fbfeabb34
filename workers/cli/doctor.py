"""`doctor`: what an operator would look at first, in a line each, with what to do about it."""

from __future__ import annotations

import datetime as dt
import platform
import sqlite3
import stat
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import typer
from msgspec import Struct

from pipeline.errors import CitewireError
from pipeline.ledger import migrations, processes, restorations
from pipeline.ledger.clock import TOLERANCE
from pipeline.ledger.processes import Process
from pipeline.web.ops.disk import shortage
from workers import runfile
from workers.cli import FAILED, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    find_in_force,
    print_json,
    reading,
    settings_state,
)


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    says: str
    hint: str | None = None  # what to do about it


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """Check clocks, disk, folders, settings, processes and versions, and say what to do about each fault."""
    checks = list(_checks(find_in_force(data, config)))
    if json:
        print_json({"ok": all(one.ok for one in checks), "checks": checks})
    else:
        for one in checks:
            hint = f" ({one.hint})" if one.hint and not one.ok else ""
            output.line(f"{'ok   ' if one.ok else 'FAULT'} {one.name}: {one.says}{hint}")
    if not all(one.ok for one in checks):
        raise typer.Exit(FAILED)


def _checks(system: System) -> Iterator[Check]:
    versions = f"citewire {version('citewire')}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield Check(name="versions", ok=True, says=f"{versions}, schema {migrations.HEAD}")
    yield from _folders(system)
    yield _settings(system)
    try:
        with reading(system) as (transaction, now):
            running = processes.alive(transaction, now=now)
            restored = restorations.pending(transaction)
    except CitewireError as error:
        yield Check(name="ledger", ok=False, says=str(error), hint="see `citewire status`")
        return
    yield Check(name="ledger", ok=True, says=f"can be read, with the schema {migrations.HEAD}")
    yield _restored(restored)
    yield from _processes(system, running)


def _folders(system: System) -> Iterator[Check]:
    settings = system.settings
    store = settings.store_location
    local = [settings.data.absolute(), *([] if isinstance(store, str) and "://" in store else [Path(store)])]
    data = settings.data.absolute()
    mode = stat.S_IMODE(data.stat().st_mode) if data.is_dir() else None
    says = "is not there yet" if mode is None else f"has the mode {mode:o}"
    is_private = mode is None or not mode & 0o007
    yield Check(name="folder", ok=is_private, says=f"{data} {says}", hint=f"chmod o-rwx {data}")
    full = shortage([folder for folder in local if folder.is_dir()])
    yield Check(name="disk", ok=full is None, says=full or "has room", hint="make room, or move the folder")


def _settings(system: System) -> Check:
    state = settings_state(system)
    hint = "`citewire check` names every mistake"
    if state["error"]:
        return Check(name="settings", ok=False, says=f"those on disk cannot be used: {state['error']}", hint=hint)
    if state["differ"]:
        hint = "`citewire reload`, or restart"
        return Check(name="settings", ok=False, says="those on disk are not those in force", hint=hint)
    return Check(name="settings", ok=True, says=str(system.settings.file or "the defaults"))


def _restored(backup: dt.datetime | None) -> Check:
    if backup is None:
        return Check(name="restore", ok=True, says="nothing is held")
    says = f"everything is held since a backup of {backup:%Y-%m-%d %H:%M} UTC was restored"
    return Check(name="restore", ok=False, says=says, hint="`citewire restore --resume`")


def _processes(system: System, running: list[Process]) -> Iterator[Check]:
    is_up = runfile.is_locked(system.settings.data) or bool(running)
    names = ", ".join(one.name for one in running)
    yield Check(name="processes", ok=is_up, says=names or "none runs", hint="`citewire up`")
    for one in running:
        if one.trouble:
            yield Check(name="process", ok=False, says=f"{one.name} takes no work: {one.trouble}", hint="see its log")
        if one.release != version("citewire"):
            yield Check(name="process", ok=False, says=f"{one.name} is release {one.release}", hint="restart it")
    off = [one for one in running if abs(one.clock_off) > TOLERANCE * 1000]
    says = ", ".join(f"{one.host} is {one.clock_off / 1000:+.0f} s off" for one in off)
    yield Check(name="clock", ok=not off, says=says or "all clocks agree with the ledger's", hint="have NTP set it")
