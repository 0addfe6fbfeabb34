"""Publish uploaded files in two steps: what they would do is shown, then exactly that is done, or nothing.

The files are read by the rules of `citewire publish`, and tried out by those of `POST /v1/events?dry_run=true`.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from msgspec import Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.intake import SourceFile
from pipeline.intake.fields.text import line
from pipeline.intake.files import read_file
from pipeline.ledger import Transaction, articles, operations, uploads
from pipeline.ledger.operations import Operation
from pipeline.ledger.uploads import KEPT, Upload, UploadedFile
from pipeline.model.event import SOURCE, Accepted, Event, Origin, Publish
from pipeline.model.rendition import digest_of
from pipeline.model.value_digest import value_digest
from pipeline.stages.accept import Intake, accept_chosen
from pipeline.stages.accept.files import FilesOfIds, refused_part
from pipeline.stages.context import Context
from pipeline.stages.dry_run import Trial, dry_run_of_each

PASTED = "pasted text"  # what text is called that came without a file
_MAX_NAME = 200  # characters


class Looked(Struct, frozen=True, kw_only=True):
    """What publishing one file would do: `trial`, or else why it is refused."""

    file: str
    trial: Trial | None = None
    mistakes: tuple[InvalidEvent, ...] = ()


class Prepared(Struct, frozen=True):
    """What publishing an upload would do. `shown` stands for all of it, and is another value if any of it changes."""

    one: Upload
    files: tuple[Looked, ...]
    shown: str

    @property
    def good(self) -> tuple[Looked, ...]:
        return tuple(file for file in self.files if file.trial is not None)


class Published(Struct, frozen=True):
    """What became of an upload: an answer for each file that was not refused."""

    operation: str
    answers: tuple[Accepted, ...]


class _Read(Struct, frozen=True):
    """A file that was read: the event that publishes it, or its mistakes."""

    file: str
    digest: str
    event: Publish | None = None
    mistakes: tuple[InvalidEvent, ...] = ()


def keep(
    intake: Intake,
    files: Sequence[UploadedFile],
    *,
    by: str,
    embargo: dt.datetime | None = None,
    take_over: bool = False,
) -> Upload:
    """Keep the files for an hour, in place of what the same person had uploaded. Raises InvalidEvent `no-article`."""
    if not files:
        raise InvalidEvent("there is no file", code="no-article", hint="choose a file, or paste the text of an article")
    now = intake.clock()
    if embargo is not None and embargo <= now:
        hint = "give a time that is still to come, or none to publish at once"
        raise InvalidEvent("is over already", code="embargo-over", field="embargo", hint=hint)
    new = Upload(id=intake.new_id("upl_"), by=by, at=now, embargo=embargo, take_over=take_over)
    with intake.ledger.write() as transaction:
        uploads.keep(transaction, new, files)
    return new


def look(context: Context, intake: Intake, id: str, *, by: str) -> Prepared:
    """Return what publishing an upload would do now. Raises InvalidEvent `upload-over`."""
    one, read = _opened(context, intake, id, by=by)
    with intake.ledger.read() as transaction:
        return _looked(context, intake, transaction, one, read)


def publish(context: Context, intake: Intake, id: str, *, by: str, shown: str) -> Published:
    """Publish what was looked at, in one transaction; files that are refused are left out, and recorded.

    `shown`: of the `Prepared` that was looked at. Raises InvalidEvent: `upload-over`, and `not-as-shown` if anything of
    it is otherwise now.
    """
    one, read = _opened(context, intake, id, by=by)
    operation = Operation(intake.new_id("op_"), "publish", by, intake.clock(), planned=len(read))

    def choose(transaction: Transaction) -> list[Event]:
        if not uploads.end(transaction, id):  # somebody was faster, or has uploaded something else
            raise _over(id)
        articles.take_turns(transaction, {file.event.article_id for file in read if file.event is not None})
        now = _looked(context, intake, transaction, one, read)
        if now.shown != shown:
            raise _not_as_shown()
        refused = [refused_part(file.file, file.mistakes) for file in now.files if file.trial is None]
        operations.record(transaction, operation, refused)
        good = {file.file for file in now.good}
        return [file.event for file in read if file.event is not None and file.file in good]

    return Published(operation.id, tuple(accept_chosen(intake, choose, operation)))


def name_of(sent: str | None) -> str | None:
    """Return the name of a file as it is shown: without a path, on one line; None if there is none."""
    name = line((sent or "").replace("\\", "/").rpartition("/")[2])[:_MAX_NAME].strip()
    return name or None


def _opened(context: Context, intake: Intake, id: str, *, by: str) -> tuple[Upload, list[_Read]]:
    """Return an upload with its files as they are read, which takes a while: outside of any transaction."""
    with intake.ledger.read() as transaction:
        one, files = _found(transaction, intake, id, by=by), uploads.files_of(transaction, id)
    return one, _read(context, one, files, now=intake.clock())


def _read(context: Context, one: Upload, files: Sequence[UploadedFile], *, now: dt.datetime) -> list[_Read]:
    """Read each file; a mistake in one does not stop the others."""
    read = [
        _read_one(context, one, number, name, file, now=now)
        for number, (name, file) in enumerate(zip(_names(files), files, strict=True), start=1)
    ]
    shared = FilesOfIds().refused([(file.file, file.event) for file in read if file.event is not None])
    return [
        structs.replace(file, event=None, mistakes=(shared[file.file],)) if file.file in shared else file
        for file in read
    ]


def _read_one(context: Context, one: Upload, number: int, name: str, file: UploadedFile, *, now: dt.datetime) -> _Read:
    stem = None if file.name is None else PurePosixPath(file.name).stem
    digest = digest_of(file.data)
    try:
        found = read_file(SourceFile(file.data, name, context.policy.intake_drop), stem=stem, now=now)
    except InvalidEvent as error:
        return _Read(name, digest, mistakes=(error, *error.further))
    article = found.article if one.embargo is None else structs.replace(found.article, embargo=one.embargo)
    event = Publish(
        Origin(source=_SOURCE, id=f"{one.id}/{number}"),
        article,
        found.warnings,
        place=SOURCE + _SOURCE,
        id_from=found.id_from,
        former_id=found.title_id,
        take_over=one.take_over,
    )
    return _Read(name, digest, event)


_SOURCE = "urn:citewire:console"


def _names(files: Sequence[UploadedFile]) -> Iterator[str]:
    """Yield a name of its own for each file: browsers send files of several folders without their paths."""
    taken = set[str]()
    for file in files:
        name = file.name or PASTED
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        free = next(one for one in itertools.chain([name], numbered) if one not in taken)
        taken.add(free)
        yield free


def _looked(context: Context, intake: Intake, transaction: Transaction, one: Upload, read: Sequence[_Read]) -> Prepared:
    trials = dry_run_of_each(context, intake, transaction, [file.event for file in read if file.event is not None])
    files = tuple(_file(file, next(trials) if file.event is not None else None) for file in read)
    seen = [(file.digest, *_seen(looked)) for file, looked in zip(read, files, strict=True)]
    return Prepared(one, files, value_digest((one.id, *seen)))


def _file(read: _Read, trial: Trial | InvalidEvent | None) -> Looked:
    if isinstance(trial, Trial):
        return Looked(file=read.file, trial=trial)
    return Looked(file=read.file, mistakes=read.mistakes if trial is None else (trial, *trial.further))


def _seen(looked: Looked) -> tuple[object, ...]:
    """Return what of a file's trial must still hold when it is published: what it does, to what, and who gets it."""
    if looked.trial is None:
        return tuple(mistake.code for mistake in looked.mistakes)
    foreseen = looked.trial.foreseen
    gets = tuple((one.channel, one.format, one.gets) for one in looked.trial.channels)
    when = looked.trial.scheduled.isoformat() if looked.trial.scheduled else None
    return (foreseen.action, foreseen.article, foreseen.revision, foreseen.former, when, gets, looked.trial.feeds)


def _found(transaction: Transaction, intake: Intake, id: str, *, by: str) -> Upload:
    one = uploads.find(transaction, id)
    if one is None or one.by != by or one.at < intake.clock() - KEPT:
        raise _over(id)
    return one


def _over(id: str) -> InvalidEvent:
    return InvalidEvent(
        f"no upload {id!r} of yours waits to be published",
        code="upload-over",
        hint="it was published, or replaced by a later one, or is more than an hour old: upload the files again",
    )


def _not_as_shown() -> InvalidEvent:
    return InvalidEvent(
        "publishing these files would now do something else than was shown",
        code="not-as-shown",
        hint="look again: an article, a channel or the evidence has changed since",
    )
