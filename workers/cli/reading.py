"""Reads article files one by one: each is an article with its warnings, or left out with the reason, or mistaken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InvalidArticle, InvalidEvent
from pipeline.intake import SourceFile, read_source
from pipeline.intake.review_date import check_review_date
from pipeline.model.reading import Read
from workers.cli.files import ArticleFiles, is_ours, read_file


@dataclass(frozen=True)
class FileRead:
    """What became of a file. `size`: bytes that were read."""

    file: Path
    size: int = 0
    read: Read | None = None
    mistakes: tuple[InvalidEvent, ...] = ()
    left_out: str | None = None


def read_files(found: ArticleFiles, drop: tuple[str, ...], now: dt.datetime) -> Iterator[FileRead]:
    """Read each file; none that is wrong stops the others."""
    yield from (FileRead(path, left_out=why) for path, why in found.left_out)
    for path in found.files:
        yield read_one(path, drop, now, named=path in found.named)


def read_one(path: Path, drop: tuple[str, ...], now: dt.datetime, *, named: bool = False) -> FileRead:
    """Read a file. A draft, or what Citewire made, is a mistake if it was named, and else left out."""
    size = 0
    try:
        data = read_file(path)
        size = len(data)
        if is_ours(path, data):
            raise _own_rendition(path)
        found = read_source(SourceFile(data, str(path), drop))
        check_review_date(found.article, now, file=str(path))
        return FileRead(path, size, found)
    except InvalidEvent as error:
        mistakes = (error, *error.further)
        why = next((_LEFT_OUT[one.code] for one in mistakes if one.code in _LEFT_OUT), None)
        return FileRead(path, size, left_out=why) if why and not named else FileRead(path, size, mistakes=mistakes)


_LEFT_OUT = {"draft": "a draft", "own-rendition": "made by Citewire"}


def _own_rendition(path: Path) -> InvalidArticle:
    hint = "publish the article that it was made from"
    return InvalidArticle("was made by Citewire", file=str(path), code="own-rendition", hint=hint)
