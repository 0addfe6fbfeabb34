"""`publish` and `status`: the commands that operators use every day."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from msgspec import structs

from pipeline import views
from pipeline.errors import InvalidEvent, TransientError
from pipeline.ledger import Ledger, clock, operations
from pipeline.ledger.deliveries import channel_contents
from pipeline.ledger.operations import Kind, Operation, Part
from pipeline.model.event import Accepted, Origin, Publish
from pipeline.model.reading import ReadWarning
from pipeline.stages.accept import Intake, accept, accept_all
from workers.cli import output
from workers.cli.common import (
    BAD_INPUT,
    FAILED,
    OVERTAKEN,
    TIMED_OUT,
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    TimeoutOption,
    WaitOption,
    existing_ledger,
    find,
    moment_of,
    new_id,
    now,
    open_ledger,
    print_json,
)
from workers.cli.confirming import confirm_many
from workers.cli.delivering import say_if_nobody_delivers
from workers.cli.files import ArticleFiles, Excluded, article_files
from workers.cli.linting import preview
from workers.cli.names import check_article, unknown_article, unknown_channel
from workers.cli.reading import FilesOfIds, is_gone, publication, read_files
from workers.cli.waiting import waiting_of
from workers.doorbell import CeleryDoorbell, NoDoorbell

SOURCE = "urn:citewire:command-line"


_POLL = 0.1  # seconds between looks at the ledger while waiting
_TOGETHER, _BYTES = 1000, 32_000_000  # the most files, and bytes of files, read before they are accepted together


def register(app: typer.Typer) -> None:
    app.command()(publish)
    app.command()(status)


@dataclass
class Published:
    """An accepted file and the progress of its deliveries."""

    file: str
    accepted: Accepted
    state: str = "accepted"
    warnings: tuple[ReadWarning, ...] = ()

    def shape(self) -> dict[str, Any]:
        answer = self.accepted
        return {
            "file": self.file,
            "article": answer.article,
            "revision": answer.revision,
            "event": answer.event,
            "changed": answer.changed,
            "state": self.state,
            "warnings": [views.warning(one) for one in self.warnings],
        }


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
        preview(system, files, json=json, take_over=take_over)
        return
    found = article_files(files, Excluded.of(system.settings))
    with open_ledger(system) as ledger:
        if not yes:
            confirm_many(ledger, found, system.settings.intake.drop)
        batch = _accept_files(intake_of(ledger, system), found, system.settings.intake.drop, take_over=take_over)
        if any(one.accepted.changed for one in batch.published):
            say_if_nobody_delivers(system)
        finished = not wait or wait_for(ledger, batch.published, timeout)
    if json:
        mistakes = [output.mistake(error) for error in batch.refused]
        left_out = [{"file": file, "why": why} for file, why in batch.left_out]
        beside = {name: value for name, value in {"errors": mistakes, "left_out": left_out}.items() if value}
        told = {"articles": [one.shape() for one in batch.published], "operation": batch.operation}
        print_json(told | beside)
    output.left_out(batch.left_out)
    for one in batch.published:
        output.warnings(one.warnings)
    for error in batch.refused:
        print(f"citewire: {error}", file=sys.stderr)
    if not json and not wait:
        output.accepted([one.shape() for one in batch.published])
    exit_with(batch, finished)


def status(
    article_id: Annotated[str | None, typer.Argument(metavar="ARTICLE_ID")] = None,
    channel: Annotated[str | None, typer.Option(help="What this channel holds of it; with --at, held.")] = None,
    at: Annotated[str | None, typer.Option(help="What was shown at this time: 2026-03-01T12:00Z.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the state of an article, or of the whole system."""
    if channel is not None or at is not None:
        _show_then(article_id, channel, at, json=json, system=find(data, config))
        return
    system = find(data, config)
    with existing_ledger(system) as ledger, ledger.read() as transaction:
        if article_id is None:
            web = system.running.web if system.running else None
            channels = [channel.id for channel in system.settings.channels]
            whole = views.system(transaction, channels, now=now(), web=web)
            waiting = waiting_of(transaction, system.settings, now())
            print_json(msgspec.to_builtins(whole) | {"waiting": waiting}) if json else output.system(whole)
            if waiting["articles"] and not json:
                output.waiting(waiting)
            return
        shape = views.article(transaction, article_id)
    if shape is None:
        raise unknown_article(article_id)
    print_json(shape) if json else output.standing(shape)


def _show_then(article_id: str | None, channel: str | None, at: str | None, *, json: bool, system: System) -> None:
    """Print what a channel (None: the site itself) held of the article at a given time (None: now)."""
    if article_id is None:
        raise InvalidEvent("no article was named", code="nothing-named", hint="give the article's id")
    moment = moment_of(at, option="at") if at is not None else now()
    configured = {one.id for one in system.settings.channels}
    with existing_ledger(system) as ledger, ledger.read() as transaction:
        check_article(transaction, article_id)
        if (
            channel is not None
            and channel not in configured
            and not channel_contents.ever(transaction, article_id, channel)
        ):
            raise unknown_channel(channel, configured)
        shape = views.snapshot(transaction, article_id, channel, moment)
    print_json(shape) if json else output.shown(shape)


# --- Accepting files and waiting for them ----------------------------------------------------------------------------


def intake_of(ledger: Ledger, system: System) -> Intake:
    url = system.redis_url
    return Intake(
        ledger=ledger,
        doorbell=_doorbell(url) if url else NoDoorbell(),
        clock=lambda: clock.ledger_time(ledger, now(), running=system.running is not None),
        new_id=new_id,
        evidence_wait=system.settings.evidence.wait,
        gone=is_gone,
    )


def _doorbell(url: str) -> CeleryDoorbell:
    from workers.celery import app

    app.conf.update(broker_url=url)
    return CeleryDoorbell(app, url)


def origin() -> Origin:
    """Return the origin of a command's events.

    Commands write to the ledger themselves, so the order of their transactions is the order of their events.
    """
    return Origin(source=SOURCE, id=secrets.token_hex(12))


def operation_of(intake: Intake, command: Literal["publish", "watch", "withdraw"]) -> Operation:
    kind: Kind = "withdraw" if command == "withdraw" else "publish"
    return Operation(intake.new_id("op_"), kind, f"citewire {command}", intake.clock())


def _accept_files(intake: Intake, found: ArticleFiles, drop: tuple[str, ...], *, take_over: bool) -> Batch:
    """Accept every file that can be read as an article; one that cannot does not stop the others."""
    operation = structs.replace(operation_of(intake, "publish"), planned=len(found.files) + len(found.left_out))
    with intake.ledger.write() as transaction:
        operations.begin(transaction, operation)
    batch, read, size = Batch(operation.id), list[tuple[str, Publish]](), 0
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
    with intake.ledger.write() as transaction:
        operations.record(transaction, operation, _not_done(batch))
        operations.end(transaction, operation.id, intake.clock())
    return batch


def _not_done(batch: Batch) -> list[Part]:
    """Return a part for each file that was refused, with all its mistakes, and for each that was left out."""
    refused: dict[str | None, list[InvalidEvent]] = {}
    for error in batch.refused:
        refused.setdefault(error.file, []).append(error)
    parts = [
        Part(errors[0].ids.get("article"), None, None, "refused", file, None, _why(errors))
        for file, errors in refused.items()
    ]
    return parts + [Part(None, None, None, "left-out", file, None, why) for file, why in batch.left_out]


def _why(errors: Sequence[InvalidEvent]) -> str:
    return "; ".join(f"{error.field + ': ' if error.field else ''}{error.message} [{error.code}]" for error in errors)


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


def wait_for(ledger: Ledger, published: Sequence[Published], timeout: float) -> bool:
    """Show progress until every delivery has ended or the timeout expires. Return whether all have ended."""
    deadline = time.monotonic() + timeout
    with output.progress(len(published)) as show:
        while True:
            open_ones = [one for one in published if one.state == "accepted"]
            _look(ledger, open_ones, show)
            if all(one.state != "accepted" for one in published):
                return True
            if time.monotonic() >= deadline:
                break
            time.sleep(_POLL)
    for one in published:
        one.state = "timed-out" if one.state == "accepted" else one.state
    return False


def _look(ledger: Ledger, open_ones: Sequence[Published], show: Callable[[dict[str, Any]], None]) -> None:
    with ledger.read() as transaction:
        for one in open_ones:
            ended = views.outcome(transaction, one.accepted.article, one.accepted.revision)
            if ended is not None:
                one.state = ended
                show(one.shape())


def exit_with(batch: Batch, finished: bool) -> None:
    if batch.refused:
        raise typer.Exit(BAD_INPUT)
    if not finished:
        raise typer.Exit(TIMED_OUT)
    if any(one.state == "abandoned" for one in batch.published):
        raise typer.Exit(FAILED)
    if any(one.state == "overtaken" for one in batch.published):
        raise typer.Exit(OVERTAKEN)
