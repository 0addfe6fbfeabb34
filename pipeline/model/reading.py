"""The result of reading an article's source: the article, and warnings about how it was read."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pipeline.model.article import Article

IdFrom = Literal["id", "canonical", "file", "title"]


class ReadWarning(Struct, frozen=True, kw_only=True):
    """Something in a source that was left out or is doubtful. It never stops the article.

    `code` is stable, like an error's. `field` and `line` say where it is and `hint` what to do, if known.
    """

    code: str
    message: str
    file: str | None = None
    line: int | None = None  # from 1
    field: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        field = f"field {self.field!r}: " if self.field else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place + ': ' if place else ''}warning: {field}{self.message}{hint} [{self.code}]"


class Read(Struct, frozen=True):
    """An article as read from its source."""

    article: Article
    warnings: tuple[ReadWarning, ...] = ()
    id_from: IdFrom = "id"  # what the article's id was derived from
    title_id: str | None = None  # the id derived from its title
