"""Article files on disk: which there are, and their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pipeline.errors import InvalidArticle
from pipeline.intake import source_formats
from pipeline.intake.decoding import MAX_BYTES


def article_files(files: Sequence[Path], *, none_is_fine: bool = False) -> list[Path]:
    """A folder stands for the article files in it, in the order of their names."""
    expanded: list[Path] = []
    for file in files:
        if file.is_dir():
            inside = sorted(path for path in file.rglob("*") if is_article(path))
            if not inside and not none_is_fine:
                hint = f"put a file into it that ends in {', '.join(sorted(_suffixes()))}"
                raise InvalidArticle("holds no article file", file=str(file), code="no-article", hint=hint)
            expanded += inside
        else:
            expanded.append(file)
    return expanded


def is_article(path: Path) -> bool:
    """Whether a file in a folder is meant: by its ending; those that editors hide or leave behind are not."""
    return path.suffix.lower() in _suffixes() and not path.name.startswith(".") and path.is_file()


def read_file(file: Path) -> bytes:
    """No more of it than it takes to see that it is too large."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InvalidArticle(message, file=str(file), code="unreadable-file", hint="check the path") from error


@cache
def _suffixes() -> frozenset[str]:
    return frozenset(f".{extension}" for source in source_formats().values() for extension in source.extensions)
