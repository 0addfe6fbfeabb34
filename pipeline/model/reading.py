"""What reading an article's source returns: the article, and what a person should know of how it was read."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pipeline.model.article import Article

IdFrom = Literal["id", "canonical", "file", "title"]


class ReadWarning(Struct, frozen=True, kw_only=True):
    """Something in a source that was left out or read with doubt. It never stops the article.

    `code` is stable, as an error's is. `field` or `line` say where, and `hint` what to do, as far as they are known.
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
    """An article as it was read from its source."""

    article: Article
    warnings: tuple[ReadWarning, ...] = ()
    id_from: IdFrom = "id"  # what the article's id was made of
    title_id: str | None = None  # the id that its title makes
