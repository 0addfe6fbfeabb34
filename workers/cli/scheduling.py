"""`schedule`: change when an article goes live that waits for its time."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.model.moment import rfc3339
from pipeline.stages.accept.schedule import schedule as schedule_stage
from pipeline.views import events as events_views
from workers.cli import output
from workers.cli.accepting import intake_of
from workers.cli.common import ConfigOption, DataOption, JsonOption, existing_ledger, find, moment_of, print_json

NOW = "now"


def register(app: typer.Typer) -> None:
    app.command()(schedule)


def schedule(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID")],
    at: Annotated[str, typer.Option(metavar="TIME", help="When it goes live: 2026-03-01T12:00Z, or `now`.")],
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Change when an article, or an update, goes live that waits for its time. Its text stays the same."""
    moment = None if at == NOW else moment_of(at, option="at")
    system = find(data, config)
    with existing_ledger(system) as ledger:
        done = schedule_stage(intake_of(ledger, system), article_id, moment, by="citewire schedule")
    if json:
        print_json(events_views.Scheduled(done.article, done.revision, done.at, done.operation))
    else:
        when = f"at {rfc3339(done.at)}" if done.at else "now"
        output.line(f"{done.article}, revision {done.revision}, goes live {when}")
