"""`deliveries` and `replay`: the dead letters and their second chance."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipeline import views
from pipeline.errors import InvalidEvent
from pipeline.ledger import channels
from pipeline.ledger import deliveries as ledger_deliveries
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, find, now, open_ledger, print_json

_MOST = 1000  # deliveries shown at once


class State(StrEnum):
    pending = "pending"
    sending = "sending"
    delivered = "delivered"
    abandoned = "abandoned"


def register(app: typer.Typer) -> None:
    app.command()(deliveries)
    app.command()(replay)


def deliveries(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel's.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what each channel is owed. `--state abandoned` shows the dead letters."""
    wanted = state.value if state else None
    with open_ledger(find(data, config)) as ledger, ledger.read() as transaction:
        found = ledger_deliveries.search(transaction, state=wanted, channel=channel, limit=_MOST)
    shapes = [views.delivery(one) for one in found]
    if json:
        print_json({"deliveries": shapes})
    else:
        output.deliveries(shapes)


def replay(
    delivery: Annotated[str | None, typer.Option(help="One delivery, by its id.")] = None,
    channel: Annotated[str | None, typer.Option(help="All of a channel's; a disabled channel is enabled.")] = None,
    article: Annotated[str | None, typer.Option(help="All of an article's.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Give abandoned deliveries a second chance, with all their attempts. The sweep picks them up within a second."""
    if not (delivery or channel or article):
        raise InvalidEvent("nothing was named", code="nothing-named", mend="give --delivery, --channel or --article")
    with open_ledger(find(data, config)) as ledger, ledger.write() as transaction:
        if channel:
            channels.enable(transaction, channel)
        again = ledger_deliveries.replay(transaction, now=now(), id=delivery, channel=channel, article_id=article)
    if json:
        print_json({"replayed": len(again)})
    else:
        output.answers.print(f"{len(again)} to be delivered again", highlight=False)
