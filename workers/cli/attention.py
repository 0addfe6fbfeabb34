"""`attention`: what needs a person, and by whom."""

from __future__ import annotations

import datetime as dt

import typer

from pipeline.ledger import Transaction
from pipeline.views import attention as attention_views
from workers.cli import FAILED, output
from workers.cli.common import ConfigOption, DataOption, JsonOption, System, UtcOption, find, print_json, reading
from workers.disks import shortage_of


def register(app: typer.Typer) -> None:
    app.command()(attention)


def attention(
    utc: UtcOption = False, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Show what needs a person, who must act, and what to run first. The exit status is 1 if there is anything."""
    system = find(data, config)
    with reading(system) as (transaction, moment):
        found = needed(transaction, system, moment)
    print_json(found) if json else output.attention(found.attention, moment, utc=utc)
    if found.attention:
        raise typer.Exit(FAILED)


def needed(transaction: Transaction, system: System, moment: dt.datetime) -> attention_views.Attention:
    """Return what needs a person, of a system as a command finds it."""
    channels = [channel.id for channel in system.settings.channels]
    return attention_views.attention(transaction, channels, now=moment, disk=shortage_of(system.settings)())
