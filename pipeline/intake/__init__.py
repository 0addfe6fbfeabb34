"""Article files → `Article`: one module for each source format, found by being there (`SOURCE`).

    bytes → fields and a body's HTML → sanitised once (nh3) → blocks, sections, references → Article

Pure: no clock, no network, no settings. Whatever the bytes are, the answer is an article or InvalidArticle.
"""

from __future__ import annotations

from functools import cache

from pipeline.errors import InvalidArticle
from pipeline.intake.decoding import decode
from pipeline.intake.source import SourceFormat
from pipeline.model.article import Article
from pipeline.plugins import discover

__all__ = ["SourceFormat", "read_article", "read_article_as", "source_formats"]


@cache
def source_formats() -> dict[str, SourceFormat]:
    """Every source format by its name, from this folder and from the entry points `citewire.sources`."""
    return discover("pipeline.intake.sources", "SOURCE", "citewire.sources", unique=("extensions", "media_types"))


def read_article(data: bytes, *, name: str) -> Article:
    """The article in a file's bytes, read as its name's extension says, or else as it looks.

    Raises InvalidArticle with file, line, field and hint.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    for source in source_formats().values():
        if extension in source.extensions:
            return source.read(data, name)
    return source_formats()[_detected(decode(data, name))].read(data, name)


def read_article_as(data: bytes, *, media_type: str, name: str) -> Article:
    """As `read_article`, by a media type, whose parameters are ignored. Raises InvalidArticle."""
    wanted = media_type.partition(";")[0].strip().lower()
    for source in source_formats().values():
        if wanted in source.media_types:
            return source.read(data, name)
    known = sorted(media for source in source_formats().values() for media in source.media_types)
    raise InvalidArticle(
        f"no source format reads {wanted[:100]!r}",
        code="unknown-source-format",
        file=name,
        hint=f"send one of {', '.join(known)}",
    )


def _detected(text: str) -> str:
    start = text.lstrip()
    if start.startswith("{"):
        return "json"
    if start.startswith("<"):
        return "html"
    return "markdown" if start.startswith(("---\n", "# ")) else "text"
