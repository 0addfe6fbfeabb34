"""`attention`: what needs a person, and by whom."""

from __future__ import annotations

import datetime as dt

import typer

from pipeline.ledger import Transaction
from pipeline.ledger.attention import UnappliedSettings
from pipeline.views import attention as attention_views
from workers.cli import FAILED, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    UtcOption,
    find_in_force,
    print_json,
    reading,
    settings_state,
)
from workers.disks import shortage_of
from workers.unapplied import changed


def register(app: typer.Typer) -> None:
    app.command()(attention)


def attention(
    utc: UtcOption = False, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Show what needs a person, who must act, and what to run first. The exit status is 1 if there is anything."""
    system = find_in_force(data, config)
    with reading(system) as (transaction, moment):
        found = needed(transaction, system, moment)
    print_json(found) if json else output.attention(found.attention, moment, utc=utc)
    if found.attention:
        raise typer.Exit(FAILED)


def needed(transaction: Transaction, system: System, moment: dt.datetime) -> attention_views.Attention:
    """Return what needs a person, of a system as a command finds it."""
    disk, unapplied = shortage_of(system.known)(), _unapplied(system)
    return attention_views.attention(transaction, system.known.channels, now=moment, disk=disk, unapplied=unapplied)


def _unapplied(system: System) -> UnappliedSettings | None:
    """Return the settings on disk if the running system has others."""
    state, file = settings_state(system), system.known.file
    return UnappliedSettings(changed(file), state["error"]) if state["differ"] or state["error"] else None
