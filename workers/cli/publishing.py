"""`publish`: accept article files, together where possible, and wait for their deliveries if asked to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from pipeline.errors import InvalidEvent, TransientError
from pipeline.ledger import operations
from pipeline.ledger.operations import Operation, Part
from pipeline.model.event import Accepted, Publish
from pipeline.stages.accept import Intake, accept, accept_all
from pipeline.stages.accept.files import FilesOfIds, refused_part
from workers.cli import output
from workers.cli.accepting import intake_of, operation_of, origin
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    TimeoutOption,
    WaitOption,
    find,
    now,
    open_ledger,
    print_json,
)
from workers.cli.confirming import confirm_many
from workers.cli.delivering import warn_unless_delivering
from workers.cli.files import ArticleFiles, Excluded, article_files
from workers.cli.outcomes import Published, count_references, exit_with, wait_for
from workers.cli.reading import publication, read_files
from workers.cli.running import carried_out

_TOGETHER, _BYTES = 1000, 32_000_000  # the most files, and bytes of files, read before they are accepted together


def register(app: typer.Typer) -> None:
    app.command()(publish)


@dataclass
class Batch:
    operation: str | None = None
    published: list[Published] = field(default_factory=list)
    refused: list[InvalidEvent] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)  # files found in folders, each with the reason
    ids: FilesOfIds = field(default_factory=FilesOfIds)


def publish(
    files: Annotated[list[Path], typer.Argument(help="Article files, or folders of them.")],
    wait: WaitOption = False,
    timeout: TimeoutOption = 300.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish any number of new articles without asking.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Accept ids that belong to articles of other files or senders.")
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish articles. Changed content makes a new revision; unchanged content changes nothing."""
    system = find(data, config)
    if dry_run:
        from workers.cli.linting import preview

        preview(system, files, json=json, take_over=take_over)
        return
    found = article_files(files, Excluded.of(system.settings) if any(map(Path.is_dir, files)) else Excluded())
    with open_ledger(system) as ledger:
        if not yes:
            confirm_many(ledger, found, system.known.drop)
        batch = _accept_files(intake_of(ledger, system), found, system.known.drop, take_over=take_over)
        if any(one.accepted.changed for one in batch.published):
            warn_unless_delivering(system)
        waited = wait_for(ledger, batch.published, timeout) if wait else "ended"
        count_references(ledger, batch.published)
    if json:
        mistakes = [output.mistake(error) for error in batch.refused]
        left_out = [{"file": file, "why": why} for file, why in batch.left_out]
        beside = {name: value for name, value in {"errors": mistakes, "left_out": left_out}.items() if value}
        answer = {"articles": [one.shape() for one in batch.published], "operation": batch.operation}
        print_json(answer | beside)
    output.left_out(batch.left_out)
    for one in batch.published:
        output.warnings(one.warnings)
        output.cited(one.accepted.article, one.references)
    for error in batch.refused:
        print(f"citewire: {error}", file=sys.stderr)
    if not json and not wait:
        output.accepted([one.shape() for one in batch.published])
    exit_with(batch.published, refused=bool(batch.refused), waited=waited)


def _accept_files(intake: Intake, found: ArticleFiles, drop: tuple[str, ...], *, take_over: bool) -> Batch:
    """Accept every file that can be read as an article; one that cannot does not stop the others."""
    operation = structs.replace(operation_of(intake, "publish"), planned=len(found.files) + len(found.left_out))
    batch = Batch(operation.id)
    with carried_out(intake, operation):
        _accept_each(intake, operation, found, drop, batch, take_over=take_over)
        with intake.ledger.write() as transaction:
            operations.record(transaction, operation, _not_done(batch))
    return batch


def _accept_each(
    intake: Intake, operation: Operation, found: ArticleFiles, drop: tuple[str, ...], batch: Batch, *, take_over: bool
) -> None:
    read, size = list[tuple[str, Publish]](), 0
    for one in read_files(found, drop, now()):
        batch.refused += one.mistakes
        if one.left_out:
            batch.left_out.append((str(one.file), one.left_out))
        if one.read:
            read.append((str(one.file), publication(one, origin(), take_over=take_over)))
            size += one.size
        if len(read) >= _TOGETHER or size >= _BYTES:
            _accept_read(intake, operation, read, batch)
            read, size = [], 0
    _accept_read(intake, operation, read, batch)


def _not_done(batch: Batch) -> list[Part]:
    """Return a part for each file that was refused, with all its mistakes, and for each that was left out."""
    refused: dict[str | None, list[InvalidEvent]] = {}
    for error in batch.refused:
        refused.setdefault(error.file, []).append(error)
    parts = [refused_part(file, errors) for file, errors in refused.items()]
    return parts + [Part(None, None, None, "left-out", file, None, why) for file, why in batch.left_out]


def _accept_read(intake: Intake, operation: Operation, read: Sequence[tuple[str, Publish]], batch: Batch) -> None:
    """Accept the files together, or one by one if one is refused or another process was writing to the ledger."""
    doubled = batch.ids.refused(read)
    batch.refused += doubled.values()
    good = [(file, event) for file, event in read if file not in doubled]
    try:
        answers: list[Accepted | None] = list(accept_all(intake, [event for _, event in good], operation))
    except (InvalidEvent, TransientError):
        answers = [_accept_one(intake, operation, event, batch) for _, event in good]
    batch.published += [
        Published(file, answer, "overtaken" if answer.outcome == "overtaken" else "accepted", event.warnings)
        for (file, event), answer in zip(good, answers, strict=True)
        if answer is not None
    ]


def _accept_one(intake: Intake, operation: Operation, event: Publish, batch: Batch) -> Accepted | None:
    try:
        return accept(intake, event, operation)
    except InvalidEvent as error:
        batch.refused.append(error)
        return None
