"""`watch`: publish what changes in a folder. A deleted file stays published: only `withdraw` takes an article back."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from watchfiles import Change, watch

from pipeline.errors import InvalidArticle, InvalidEvent, TransientError
from pipeline.ledger import operations
from pipeline.stages.accept import Intake, accept
from pipeline.stages.accept.files import refused_part
from workers.cli import output
from workers.cli.accepting import intake_of, operation_of, origin
from workers.cli.common import ConfigOption, DataOption, find, now, open_ledger
from workers.cli.delivering import warn_unless_delivering
from workers.cli.files import Excluded, article_files, is_article
from workers.cli.reading import publication, read_one

_SETTLE = 300  # milliseconds without a further change, because editors write a file in several steps


def register(app: typer.Typer) -> None:
    app.command(name="watch")(watch_folder)


def watch_folder(
    folder: Annotated[Path, typer.Argument(help="A folder of article files.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish the articles in a folder, and then each one that is added or changed, until Ctrl-C."""
    if not folder.is_dir():
        raise InvalidArticle("is not a folder", file=str(folder), code="unreadable-file", hint="name a folder")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    system = find(data, config)
    excluded = Excluded.of(system.settings)
    found = article_files([folder], excluded, none_is_fine=True)
    with open_ledger(system) as ledger:
        intake, drop = intake_of(ledger, system), system.known.drop
        warn_unless_delivering(system)
        changes = watch(folder, stop_event=stop, step=_SETTLE, raise_interrupt=False, yield_on_timeout=True)
        next(changes)  # from here on no change is missed; existing files are published next
        output.left_out([(str(path), why) for path, why in found.left_out])
        _publish(intake, drop, found.files)
        for changed in changes:
            paths = sorted(Path(path) for change, path in changed if change is not Change.deleted)
            _publish(intake, drop, [path for path in paths if is_article(path, folder, excluded)])


def _publish(intake: Intake, drop: tuple[str, ...], files: list[Path]) -> None:
    """Publish the files that can be read as articles. One that cannot be is reported, and the watch goes on."""
    for file in files:
        one = read_one(file, drop, now())
        if one.mistakes:
            _refuse(intake, file, one.mistakes)
        if one.left_out:
            output.left_out([(str(file), one.left_out)])
        if one.read is None:
            continue
        try:
            answer = accept(intake, publication(one, origin()), operation_of(intake, "watch"))
        except InvalidEvent as error:
            _refuse(intake, file, (error,))
            continue
        except TransientError as error:
            print(f"citewire: {error}", file=sys.stderr)
            continue
        output.warnings(one.read.warnings)
        output.accepted([{"article": answer.article, "revision": answer.revision, "changed": answer.changed}])


def _refuse(intake: Intake, file: Path, mistakes: Sequence[InvalidEvent]) -> None:
    """Report why a file was not published, and record it, so that `citewire operations` shows it afterwards."""
    for mistake in mistakes:
        print(f"citewire: {mistake}", file=sys.stderr)
    try:
        with intake.ledger.write() as transaction:
            operations.record(transaction, operation_of(intake, "watch"), [refused_part(str(file), mistakes)])
    except TransientError as error:
        print(f"citewire: {error}", file=sys.stderr)
