"""What publishing uploaded files would do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.errors import InvalidEvent
from pipeline.stages.uploads import Looked, Prepared
from pipeline.views.dry_run import WouldBe, would_be
from pipeline.views.references import Reference
from pipeline.views.warnings import SourceWarning
from pipeline.views.word_diff import Change, changes_foreseen

_TAKE_OVER = "give it an id of its own, or tick that its id may belong to another file or sender"


@dataclass(frozen=True, slots=True)
class Mistake:
    """Why a file is refused, and what to do about it."""

    message: str
    code: str
    line: int | None
    field: str | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """What publishing a file would do; `would` is None if it is refused."""

    name: str
    would: WouldBe | None
    title: str | None
    warnings: tuple[SourceWarning, ...]
    changes: tuple[Change, ...]
    doubtful: tuple[Reference, ...]  # references that are not found, or of which something is to be known
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What publishing an upload would do. `shown` is sent back to publish exactly that."""

    files: tuple[UploadedFile, ...]
    shown: str

    @property
    def publishable(self) -> int:
        return sum(one.would is not None for one in self.files)

    @property
    def refused(self) -> int:
        return len(self.files) - self.publishable


def upload(prepared: Prepared) -> LookedAt:
    return LookedAt(tuple(map(_file, prepared.files)), prepared.shown)


def _file(looked: Looked) -> UploadedFile:
    if looked.trial is None:
        return UploadedFile(looked.file, None, None, (), (), (), tuple(map(_mistake, looked.mistakes)))
    would, foreseen = would_be(looked.trial), looked.trial.foreseen
    doubtful = tuple(one for one in would.references if one.state != "resolved" or one.editorial)
    title = foreseen.after.title if foreseen.after else None
    warnings = (*would.warnings, *(would.cited.warnings if would.cited else ()))
    return UploadedFile(looked.file, would, title, warnings, tuple(changes_foreseen(foreseen)), doubtful, ())


def _mistake(error: InvalidEvent) -> Mistake:
    one = Mistake(error.message, error.code, error.line, error.field, error.hint)
    return replace(one, hint=_TAKE_OVER) if error.code == "id-taken" else one
