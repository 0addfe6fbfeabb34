"""`plan` and `apply`: what the settings on disk change at every place, and doing it."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer

from pipeline.stages.places.plan import Plan
from workers.cli import output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    existing_ledger,
    find,
    ledger_now,
    log_to_stderr,
    print_json,
)

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

    A running system takes them up within a second. It empties a place once nothing is filled from it any more.
    """
    from workers import planning

    log_to_stderr()
    system = find(data, config)
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
    _show(found, json=json)


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
