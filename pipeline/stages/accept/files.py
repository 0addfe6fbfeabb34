"""Files that are published together: ids that they share, and the parts of those that are refused."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import InvalidArticle, InvalidEvent
from pipeline.ledger.operations import Part
from pipeline.model.event import OF_ONE, Publish


class FilesOfIds:
    """Which of the files have each id. A file that is named twice counts once."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, str]] = {}

    def refused(self, read: Sequence[tuple[str, Publish]]) -> dict[str, InvalidArticle]:
        """Return why files are refused: another of these files, or of the earlier ones, has the same id."""
        for file, event in read:
            self._files.setdefault(event.article_id, {}).setdefault(_place(file, event), file)
        found = {}
        for file, event in read:
            other = next((one for one in self._files[event.article_id].values() if one != file), None)
            if other is not None and len(self._files[event.article_id]) > 1:
                found[file] = _same_id(file, other, event.article_id)
        return found


def refused_part(file: str | None, errors: Sequence[InvalidEvent]) -> Part:
    """Return the part of an operation that says why a file was refused, with all its mistakes."""
    why = "; ".join(f"{error.field + ': ' if error.field else ''}{error.message} [{error.code}]" for error in errors)
    return Part(errors[0].ids.get("article"), None, None, "refused", file, None, why)


def _place(file: str, event: Publish) -> str:
    """Return what tells files apart: where it lies, or its name where many come from one place."""
    return event.place if event.place is not None and event.place.startswith(OF_ONE) else file


def _same_id(file: str, other: str, article_id: str) -> InvalidArticle:
    return InvalidArticle(
        f"has the id {article_id!r}, which {other} has too",
        file=file,
        field="id",
        code="same-id",
        hint="give each an id of its own",
        article=article_id,
    )
