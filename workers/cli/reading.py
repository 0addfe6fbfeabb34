"""Read article files one by one. Each is an article with its warnings, is left out with a reason, or has mistakes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InvalidEvent
from pipeline.intake import SourceFile, files
from pipeline.intake.files import own_rendition
from pipeline.model.event import FILE, Origin, Publish
from pipeline.model.reading import Read
from workers.cli.files import ArticleFiles, has_own_manifest, read_file


@dataclass(frozen=True)
class FileRead:
    """The result of reading one file. `size`: bytes that were read."""

    file: Path
    size: int = 0
    read: Read | None = None
    mistakes: tuple[InvalidEvent, ...] = ()
    left_out: str | None = None


def read_files(found: ArticleFiles, drop: tuple[str, ...], now: dt.datetime) -> Iterator[FileRead]:
    """Read each file; a mistake in one does not stop the others."""
    yield from (FileRead(path, left_out=why) for path, why in found.left_out)
    for path in found.files:
        yield read_one(path, drop, now, named=path in found.named)


def read_one(path: Path, drop: tuple[str, ...], now: dt.datetime, *, named: bool = False) -> FileRead:
    """Read a file. A draft, or a file made by Citewire, is a mistake if it was named, and is otherwise left out."""
    size = 0
    try:
        data = read_file(path)
        size = len(data)
        if has_own_manifest(path):
            raise own_rendition(str(path))
        return FileRead(path, size, files.read_file(SourceFile(data, str(path), drop), stem=_stem(path), now=now))
    except InvalidEvent as error:
        mistakes = (error, *error.further)
        why = next((_LEFT_OUT[one.code] for one in mistakes if one.code in _LEFT_OUT), None)
        return FileRead(path, size, left_out=why) if why and not named else FileRead(path, size, mistakes=mistakes)


def publication(one: FileRead, origin: Origin, *, take_over: bool = False) -> Publish:
    """Return the event that publishes a file that was read."""
    assert one.read is not None
    found = one.read
    return Publish(
        origin,
        found.article,
        found.warnings,
        place=FILE + str(one.file.resolve()),
        id_from=found.id_from,
        former_id=found.title_id,
        take_over=take_over,
    )


def _stem(path: Path) -> str:
    """Return the file's name without extension, or its folder's where generators put one file into each."""
    return path.absolute().parent.name if path.stem in _OF_FOLDER else path.stem


_OF_FOLDER = ("index", "_index", "README")  # what generators call the only file of a folder
_LEFT_OUT = {"draft": "a draft", "own-rendition": "made by Citewire"}
