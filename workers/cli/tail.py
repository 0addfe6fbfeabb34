"""`tail`: follow what happens: each attempt at a delivery, and each operation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from pipeline.ledger import Ledger, happenings
from pipeline.ledger.happenings import Happened, Position
from pipeline.model.moment import rfc3339
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, existing_ledger, find
from workers.cli.interrupting import Interruption, interruptible
from workers.cli.names import check_article, check_channel

_POLL = 0.5  # seconds between looks at the ledger


def register(app: typer.Typer) -> None:
    app.command()(tail)


def tail(
    channel: Annotated[str | None, typer.Option(help="Only what happens at this channel.")] = None,
    article: Annotated[str | None, typer.Option(help="Only what happens to this article.")] = None,
    last: Annotated[int, typer.Option(min=0, max=500, help="How many that have happened already to begin with.")] = 10,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON document in each line.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Follow what happens: every attempt at a delivery with its answer, and every operation, until Ctrl-C."""
    system = find(data, config)
    with existing_ledger(system) as ledger:
        with ledger.read() as transaction:
            if channel is not None:
                check_channel(transaction, system, channel)
            if article is not None:
                check_article(transaction, article)
            position = happenings.position(transaction, back=last)
        with interruptible() as interruption:
            for one in _following(ledger, position, interruption, follow=follow):
                if (channel is None or one.channel == channel) and (article is None or one.article == article):
                    _print(one, json=json)


def _following(ledger: Ledger, position: Position, interruption: Interruption, *, follow: bool) -> Iterator[Happened]:
    while True:
        with ledger.read() as transaction:
            found, position = happenings.since(transaction, position)
        with interruption.allowed():  # a terminal may take any time to show them
            yield from found
        if not follow:
            return
        interruption.sleep(_POLL)


def _print(one: Happened, *, json: bool) -> None:
    if json:
        sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        sys.stdout.flush()
        return
    words = [rfc3339(one.at), one.channel or "", one.article or "", one.what, one.detail, one.id]
    output.line("  ".join(filter(None, words)))
