"""`release`: let an article that was held for its evidence be published again."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.stages.accept.release import release as release_stage
from pipeline.views import events as events_views
from workers.cli import output
from workers.cli.accepting import intake_of
from workers.cli.common import ConfigOption, DataOption, JsonOption, existing_ledger, find, print_json
from workers.cli.names import check_channel


def register(app: typer.Typer) -> None:
    app.command()(release)


def release(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID")],
    channel: Annotated[str | None, typer.Option(help="This channel's hold alone.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Release an article that was held for its evidence: its next revision is published, with its evidence marked."""
    system = find(data, config)
    with existing_ledger(system) as ledger:
        if channel is not None:
            with ledger.read() as transaction:
                check_channel(transaction, system, channel)
        done = release_stage(intake_of(ledger, system), article_id, channel, by="citewire release")
    if json:
        print_json(events_views.Released(done.article, done.revision, done.channels, done.operation))
    else:
        output.released(done.article, done.revision, done.channels)
