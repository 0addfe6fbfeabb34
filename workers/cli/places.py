"""`places`: where copies lie, and what a person decides about places that channels have left."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.views import places as places_views
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, existing_ledger, find, ledger_now, print_json

_Place = Annotated[str, typer.Argument(metavar="PLACE", help="Its key or location, as `citewire places` shows them.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help=places.__doc__)
    group.callback(invoke_without_command=True)(places)
    group.command("give-up")(give_up)
    group.command()(empty)
    app.add_typer(group, name="places")


def places(
    context: typer.Context, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Show where copies lie, or decide about places that channels have left."""
    if context.invoked_subcommand is not None:
        return
    with existing_ledger(find(data, config)) as ledger, ledger.read() as transaction:
        shapes = places_views.places(transaction)
    print_json({"places": shapes}) if json else output.places(shapes)


def give_up(
    place: _Place,
    reason: Annotated[str, typer.Option(help="Why it cannot be reached any more. It is kept.")],
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Say that a place cannot be reached any more. Withdrawals name it from then on, and do not wait for it."""
    from workers import planning

    system = find(data, config)
    with existing_ledger(system) as ledger:
        found, count = planning.decide(
            ledger, place, give_up=reason, by="citewire places give-up", now=ledger_now(ledger, system)
        )
    if json:
        print_json({"place": found.key, "given_up": count})
    else:
        output.line(f"{found.title} is given up; {count} outstanding deliveries were abandoned")


def empty(place: _Place, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """Remove what lies at a place that its channel has left. The running system does it."""
    from workers import planning

    system = find(data, config)
    with existing_ledger(system) as ledger:
        found, count = planning.decide(
            ledger, place, give_up=None, by="citewire places empty", now=ledger_now(ledger, system)
        )
    if json:
        print_json({"place": found.key, "removing": count})
    else:
        output.line(f"{found.title} is being emptied: {count} articles")
