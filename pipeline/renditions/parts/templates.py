"""The only Jinja environment: everything is escaped, undefined names are errors, forbidden characters are removed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.renditions.parts.text import clean


@cache
def templates(folder: Path) -> Environment:
    """Return the environment of the templates in `folder`."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=_fit,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _fit(value: object) -> object:
    """Remove characters that no page may contain; autoescape does the rest."""
    return clean(value) if type(value) is str else value
