"""The type that a module or package of `sources/` exports as `SOURCE`: one file format for articles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.model.reading import Read


@dataclass(frozen=True)
class SourceFile:
    """A whole file. `name` is only used in messages and to detect the format.

    `drop` lists what the operator never wants in an article (`[intake] drop`): CSS selectors and lines of text.
    """

    data: bytes
    name: str
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceFormat:
    """A file format and its reader, which is pure and raises InvalidArticle."""

    name: str  # "markdown"
    media_types: tuple[str, ...]  # lower case, without parameters
    extensions: tuple[str, ...]  # lower case, without the dot
    read: Callable[[SourceFile], Read]
