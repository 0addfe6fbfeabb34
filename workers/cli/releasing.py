"""`release`: an operator lets go out again what was held for its evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import views
from pipeline.errors import InvalidEvent
from pipeline.stages.accept.release import release as release_stage
from workers.cli import output
from workers.cli.articles import intake_of
from workers.cli.common import UNKNOWN, ConfigOption, DataOption, JsonOption, find, open_ledger, print_json


def register(app: typer.Typer) -> None:
    app.command()(release)


def release(
    article_id: Annotated[str, typer.Argument(metavar="ARTICLE_ID")],
    channel: Annotated[str | None, typer.Option(help="This channel's hold alone.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Let an article that was held for its evidence go out again, with its marks, as its next revision."""
    system = find(data, config)
    with open_ledger(system) as ledger:
        try:
            done = release_stage(intake_of(ledger, system), article_id, channel)
        except InvalidEvent as error:
            if error.code != "unknown-article":
                raise
            output.notes.print(f"citewire: {error}", highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(UNKNOWN) from None
    if json:
        print_json(views.Released(done.article, done.revision, tuple(done.channels)))
    else:
        output.released(done.article, done.revision, done.channels)
