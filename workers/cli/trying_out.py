"""`channels test` and `trigger`: send channels a sample that nobody shows, or reach those that take none."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import structs

from config.settings import ChannelSettings
from pipeline.errors import ConfigError
from pipeline.ledger import places
from pipeline.ledger.places import Place
from workers.cli import FAILED, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    act_of,
    find,
    now,
    print_json,
    reading,
    writing,
)
from workers.cli.names import unknown_channel

if TYPE_CHECKING:
    from pipeline.stages.deliver.trial import Tried

_NO_LEDGER = ("ledger-missing", "ledger-older")


def try_out_channel(
    channel: Annotated[str, typer.Argument(metavar="ID")],
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Send a webhook a signed sample that it shows nobody: the withdrawal of an article that never was.

    Other channels are reached as `citewire check` does: a file is written and removed again, or the server is asked.
    """
    system = find(data, config)
    configured = {one.id: one for one in system.settings.channels}
    if channel not in configured:
        raise unknown_channel(channel, configured)
    tested = _tested(system, configured[channel], command="channels test", shown=not json)
    if json:
        print_json(tested)
    if not tested["ok"]:
        raise typer.Exit(FAILED)


def register(app: typer.Typer) -> None:
    app.command()(trigger)


def trigger(
    channels: Annotated[list[str] | None, typer.Argument(metavar="[CHANNEL...]", help="Without: all of them.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Send channels, or all of them, a signed test event that they show nobody, and print what each answers.

    It is the withdrawal of an article that never was, as of `citewire channels test`.
    """
    system = find(data, config)
    configured = {one.id: one for one in system.settings.channels}
    for name in channels or ():
        if name not in configured:
            raise unknown_channel(name, configured)
    named = dict.fromkeys(channels or configured)
    answers = [_tested(system, configured[name], command="trigger", shown=not json) for name in named]
    if json:
        print_json({"channels": answers})
    if not all(one["ok"] for one in answers):
        raise typer.Exit(FAILED)


def _tested(system: System, channel: ChannelSettings, *, command: str, shown: bool) -> dict[str, Any]:
    """Try a channel out, print the answer unless it is printed as JSON, and add it to the audit."""
    from pipeline.renditions import formats
    from pipeline.stages.deliver.trial import try_out
    from workers.site import site_of
    from workers.wiring import named_file, plan_of, public_http, signing_with

    with named_file(system.settings):
        plan = plan_of(channel, public_http(system.settings))
    plan = signing_with(_place_of(system, channel.id), plan, system.settings)
    format, site = formats()[plan.format], site_of(system.settings)
    tried = try_out(plan, format, site, token=secrets.token_hex(12), at=now())
    if shown:
        what = "took the sample" if tried.sample else "was reached"
        words = f"{what} in {tried.milliseconds} ms" if tried.ok else "FAILED"
        output.line(f"{channel.id}  {words}: {tried.detail}")
    _record(system, tried, command)
    return structs.asdict(tried)


def _place_of(system: System, channel: str) -> Place | None:
    """Return where the channel delivers to. A site that was never started has no place yet."""
    try:
        with reading(system) as (transaction, _):
            return places.find(transaction, channel)
    except ConfigError as error:
        if error.code not in _NO_LEDGER:
            raise
        return None


def _record(system: System, tried: Tried, command: str) -> None:
    """Add the test to the audit. A site that was never started has none yet, and can test its channels all the same."""
    from pipeline.stages.deliver import trial

    try:
        with writing(system) as (transaction, at):
            trial.record(transaction, act_of(command, at), tried)
    except ConfigError as error:
        if error.code not in _NO_LEDGER:
            raise
        output.note(f"the test is not in the audit: {error}")
