"""Read article files into `Article`, with one module for each source format, discovered by its `SOURCE`.

    bytes → fields and a body's HTML → sanitised once (nh3) → blocks, sections, references → Article

Pure: no clock and no network; settings are passed as arguments. Whatever the bytes are, the result is an article with
its warnings, or InvalidArticle.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pipeline.errors import InvalidArticle
from pipeline.intake.decoding import decode
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.model.article import Article
from pipeline.model.reading import Read
from pipeline.plugins import Plugins

__all__ = ["SourceFile", "SourceFormat", "read_article", "read_source", "read_source_as", "source_formats"]


@cache
def source_formats() -> Mapping[str, SourceFormat]:
    """Return every source format by name, from this folder and from the entry points `citewire.sources`."""
    return Plugins("pipeline.intake.sources", "SOURCE", "citewire.sources", unique=("extensions", "media_types"))


def read_source(file: SourceFile) -> Read:
    """Read a file in the format of its extension, or else in the one that its content looks like.

    Raises InvalidArticle with file, line, field and hint.
    """
    extension = file.name.rpartition(".")[2].lower() if "." in file.name else ""
    for source in source_formats().values():
        if extension in source.extensions:
            return source.read(file)
    return source_formats()[_detected(decode(file.data, file.name))].read(file)


def read_source_as(media_type: str, file: SourceFile) -> Read:
    """Read a file in the format of a media type, ignoring its parameters. Raises InvalidArticle."""
    essence = media_type.partition(";")[0].strip().lower()
    for source in source_formats().values():
        if essence in source.media_types:
            return source.read(file)
    known = sorted(media for source in source_formats().values() for media in source.media_types)
    raise InvalidArticle(
        f"no source format reads {essence[:100]!r}",
        code="unknown-source-format",
        file=file.name,
        hint=f"send one of {', '.join(known)}",
    )


def read_article(data: bytes, *, name: str, drop: tuple[str, ...] = ()) -> Article:
    """Read a file as `read_source` does, and return only the article."""
    return read_source(SourceFile(data, name, drop)).article


def _detected(text: str) -> str:
    start = text.lstrip()
    if start.startswith("{"):
        return "json"
    if start.startswith("<"):
        return "html"
    return "markdown" if start.startswith(("---\n", "# ")) else "text"
