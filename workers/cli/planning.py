"""`plan` and `apply`: what the settings on disk change at every place, and doing it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import msgspec
import typer

from config import COPY, load
from pipeline.stages.places.plan import Plan
from workers import runfile
from workers.cli import output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    existing_ledger,
    find,
    ledger_now,
    log_to_stderr,
    print_json,
)
from workers.cli.reload import RELOAD_WITHIN, runs_on, take_up

_SHOWN = (("filled", "sent, because it lacks them"), ("refreshed", "sent again"), ("withdrawn", "withdrawals repeated"))


def register(app: typer.Typer) -> None:
    app.command()(plan)
    app.command()(apply)


def plan(json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show what the settings on disk would change at every place. Nothing is changed."""
    from workers import planning

    log_to_stderr()
    system = find(data, config)
    with existing_ledger(system) as ledger:
        found = planning.plan(ledger, system.settings, now=ledger_now(ledger, system))
    _show(found, json=json)


def apply(
    keep: Annotated[bool, typer.Option("--keep", help="Leave what channels have left as it is.")] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Put the settings on disk in force, and empty the places that channels have left.

    A system that runs on the data folder takes all of them up, and empties a place once nothing is filled from it.
    """
    from workers import planning

    log_to_stderr()
    system = find(data, config)
    running = runs_on(system.settings.data)
    if running is not None:
        _refuse_what_needs_a_restart(system)
    with existing_ledger(system) as ledger:
        if not keep and sys.stdin.isatty() and sys.stderr.isatty():
            first = planning.plan(ledger, system.settings, now=ledger_now(ledger, system))
            if removed := first.totals["removed"]:
                typer.confirm(
                    f"Remove {removed} copies from places that channels have left? "
                    "No undo brings them back; the former settings would have them sent again.",
                    abort=True,
                    err=True,
                )
        found = planning.apply(
            ledger, system.settings, empty=not keep, by="citewire apply", now=ledger_now(ledger, system)
        )
    if running is not None and not _has_file(system):
        take_up(system.settings.data, running, timeout=RELOAD_WITHIN)
    _show(found, json=json)


def _refuse_what_needs_a_restart(system: System) -> None:
    """Check, before anything is changed, that the running system can take up all of the settings."""
    from workers.reloading import on_disk

    file, copy = system.settings.file, runfile.copy_of(system.settings.data)
    if file is not None and copy.exists():
        in_force = load(os.environ | {COPY: str(copy)}, file=file, data=system.settings.data)
        on_disk(os.environ, in_force, file)


def _has_file(system: System) -> bool:
    """Return whether the running system has read the settings file as it is now."""
    file, copy = system.settings.file, runfile.copy_of(system.settings.data)
    return file is None or (copy.exists() and copy.read_bytes() == file.read_bytes())


def _show(found: Plan, *, json: bool) -> None:
    if json:
        print_json(msgspec.to_builtins(found) | {"totals": found.totals})
        return
    for one in found.channels:
        came = f"  (was: {one.was})" if one.was else ""
        output.line(f"{one.channel}  {one.change}  {one.place}{came}")
        for name, words in _SHOWN:
            if articles := getattr(one, name):
                output.line(f"    {len(articles)} {words}")
    if found.rendered:
        output.line(f"{len(found.rendered)} articles are rendered again, in the way of these settings and this release")
    for orphan in found.orphans:
        new = "becomes an orphan" if orphan.is_new else "is an orphan"
        fate = f"`citewire apply` removes {len(orphan.removed)}" if orphan.reachable else "it can only be given up"
        output.line(f"{orphan.place}  {new} of {orphan.channel}: {fate}")
    if not found.channels and not found.orphans and not found.rendered:
        output.line("nothing would change")
