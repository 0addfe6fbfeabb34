"""What a module or package of `sources/` exports as `SOURCE`: one form of file that articles come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.model.article import Article


@dataclass(frozen=True)
class SourceFormat:
    """`read(data, name)`: a whole file's bytes and its name, for messages only. Pure; raises InvalidArticle."""

    name: str  # "markdown"
    media_types: tuple[str, ...]  # lower case, without parameters
    extensions: tuple[str, ...]  # lower case, without the dot
    read: Callable[[bytes, str], Article]
