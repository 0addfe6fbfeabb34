"""`reconcile`: read places back, and repair what differs from the ledger."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from workers.cli import FAILED, output
from workers.cli.common import ConfigOption, DataOption, JsonOption, act_of, find, print_json
from workers.cli.contexts import context_to_act
from workers.cli.names import unknown_channel


def register(app: typer.Typer) -> None:
    app.command()(reconcile)


def reconcile(
    channels: Annotated[list[str] | None, typer.Argument(metavar="[CHANNEL]...")] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Send again what is missing, older, changed or not gone.")
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Read back every place that can be read, and list what is missing, older, unknown, or withdrawn but there.

    Exits with 1 if anything is left that is not as it should be, or a place does not answer.
    """
    from workers.reconciling import reconcile as read

    with context_to_act(find(data, config)) as context:
        known = {name for key in context.channels for name in (key, key.partition("@")[0])}
        for channel in channels or ():
            if channel not in known:
                raise unknown_channel(channel, sorted(known))
        act = act_of("reconcile --mend", context.clock())
        found = read(context, channels or (), mends=act if mend else None)
    left = sum(len(one.drift) for one in found)
    if json:
        print_json({"places": msgspec.to_builtins(found), "left": left})
    for one in () if json else found:
        what = one.error or (f"{len(one.drift)} not as they should be" if one.readable else "cannot be read back")
        output.line(f"{one.key}  {one.place}: {what}{f', {one.mended} mended' if one.mended else ''}")
        for drift in one.drift:
            output.line(f"    {drift.kind}  {drift.name}: {drift.detail}")
    if left or any(one.error for one in found):
        raise typer.Exit(FAILED)
