"""`watch`: publishes what changes in a folder. What goes away there stays published: only `withdraw` takes back."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from watchfiles import Change, watch

from pipeline.errors import InvalidArticle, InvalidEvent, TransientError
from pipeline.intake import SourceFile, read_source
from pipeline.model.event import Publish
from pipeline.stages.accept import Intake, accept
from workers.cli import output
from workers.cli.articles import intake_of, origin
from workers.cli.common import ConfigOption, DataOption, find, open_ledger
from workers.cli.files import article_files, is_article, read_file

_SETTLE = 300  # milliseconds without a further change: an editor writes a file in several steps


def register(app: typer.Typer) -> None:
    app.command(name="watch")(watch_folder)


def watch_folder(
    folder: Annotated[Path, typer.Argument(help="A folder of article files.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish what lies in a folder, and from then on what changes there, until Ctrl-C."""
    if not folder.is_dir():
        raise InvalidArticle("is not a folder", file=str(folder), code="unreadable-file", hint="name a folder")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    system = find(data, config)
    with open_ledger(system) as ledger:
        intake, drop = intake_of(ledger, system), system.settings.intake.drop
        changes = watch(folder, stop_event=stop, step=_SETTLE, raise_interrupt=False, yield_on_timeout=True)
        next(changes)  # from here on nothing is missed; what lies there already is published now
        _publish(intake, drop, article_files([folder], none_is_fine=True))
        for changed in changes:
            _publish(intake, drop, sorted(Path(path) for change, path in changed if change is not Change.deleted))


def _publish(intake: Intake, drop: tuple[str, ...], files: list[Path]) -> None:
    """A file that cannot be read as an article is told of, and watched on."""
    for file in files:
        if not is_article(file):
            continue
        try:
            read = read_source(SourceFile(read_file(file), str(file), drop))
            answer = accept(intake, Publish(origin(), read.article, read.warnings))
        except InvalidEvent as error:
            for one in (error, *error.further):
                print(f"citewire: {one}", file=sys.stderr)
            continue
        except TransientError as error:
            print(f"citewire: {error}", file=sys.stderr)
            continue
        output.warnings(read.warnings)
        output.accepted([{"article": answer.article, "revision": answer.revision, "changed": answer.changed}])
