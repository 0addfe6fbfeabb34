"""Read article files one by one. Each is an article with its warnings, is left out with a reason, or has mistakes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from pipeline.errors import InvalidArticle, InvalidEvent
from pipeline.intake import SourceFile, read_source
from pipeline.intake.fields.slugs import slug
from pipeline.intake.review_date import check_review_date
from pipeline.model.event import FILE, Origin, Publish
from pipeline.model.reading import Read
from workers.cli.files import ArticleFiles, is_ours, read_file


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
        if is_ours(path, data):
            raise _own_rendition(path)
        found = read_source(SourceFile(data, str(path), drop))
        check_review_date(found.article, now, file=str(path))
        return FileRead(path, size, _named_by_file(found, path))
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


def _named_by_file(found: Read, path: Path) -> Read:
    """Take the id from the file's name rather than from a title, which is likely to change."""
    if found.id_from != "title":
        return found
    name = path.absolute().parent.name if path.stem in _OF_FOLDER else path.stem
    article = structs.replace(found.article, id=slug(name, otherwise="article"))
    return structs.replace(found, article=article, id_from="file")


_OF_FOLDER = ("index", "_index", "README")  # what generators call the only file of a folder
_LEFT_OUT = {"draft": "a draft", "own-rendition": "made by Citewire"}


def _own_rendition(path: Path) -> InvalidArticle:
    hint = "publish the article that it was made from, or take Citewire's mark out of it if it is an article of its own"
    return InvalidArticle("was made by Citewire", file=str(path), code="own-rendition", hint=hint)


class FilesOfIds:
    """Which files of one command have each id. A file that is named twice counts once."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, str]] = {}

    def refused(self, read: Sequence[tuple[str, Publish]]) -> dict[str, InvalidArticle]:
        """Return why files are refused: another of these files, or of the earlier ones, has the same id."""
        for file, event in read:
            self._files.setdefault(event.article_id, {}).setdefault(event.place or file, file)
        found = {}
        for file, event in read:
            other = next((one for one in self._files[event.article_id].values() if one != file), None)
            if other is not None and len(self._files[event.article_id]) > 1:
                found[file] = _same_id(file, other, event.article_id)
        return found


def _same_id(file: str, other: str, article_id: str) -> InvalidArticle:
    return InvalidArticle(
        f"has the id {article_id!r}, which {other} has too",
        file=file,
        field="id",
        code="same-id",
        hint="give each an id of its own",
        article=article_id,
    )
