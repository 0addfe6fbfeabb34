"""Read an article from a file with a name, as commands and uploads do."""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from pipeline.errors import InvalidArticle
from pipeline.intake import SourceFile, read_source
from pipeline.intake.fields.slugs import slug
from pipeline.intake.own_rendition import is_own_rendition
from pipeline.intake.review_date import check_review_date
from pipeline.model.reading import Read


def read_file(file: SourceFile, *, stem: str | None, now: dt.datetime) -> Read:
    """Read a file; raises InvalidArticle, also for what Citewire itself made.

    `stem`: its name without extension; None: it has no name of its own. The id is taken from it rather than from a
    title, which is likely to change.
    """
    if is_own_rendition(file.data):
        raise own_rendition(file.name)
    found = read_source(file)
    check_review_date(found.article, now, file=file.name)
    if stem is None or found.id_from != "title":
        return found
    return structs.replace(
        found, article=structs.replace(found.article, id=slug(stem, otherwise="article")), id_from="file"
    )


def own_rendition(file: str) -> InvalidArticle:
    hint = "publish the article that it was made from, or take Citewire's mark out of it if it is an article of its own"
    return InvalidArticle("was made by Citewire", file=file, code="own-rendition", hint=hint)
