"""`refresh`: deliver an article again as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.stages.accept.again import again
from pipeline.views import events as events_views
from workers.cli import output
from workers.cli.accepting import intake_of
from workers.cli.common import ConfigOption, DataOption, JsonOption, existing_ledger, find, print_json


def register(app: typer.Typer) -> None:
    app.command()(refresh)


def refresh(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID")],
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Deliver a live article again as it is, to every channel that has it. Its partners get it a second time."""
    system = find(data, config)
    with existing_ledger(system) as ledger:
        done = again(intake_of(ledger, system), article_id, by="citewire refresh")
    if json:
        print_json(events_views.PublishedAgain(done.article, done.revision, done.count, done.operation))
    else:
        output.line(f"{done.article}, revision {done.revision}, is delivered again to {done.count} channels")
