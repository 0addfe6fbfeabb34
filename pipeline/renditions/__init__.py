"""Formats, one module or package each.

A module or package in this folder that exports `FORMAT` is a format; an installed package adds one through the
entry-point group `citewire.formats`, naming such an object. Nothing else has to change.

    Revision, Site → FORMAT.render → bytes         one article
    Withdrawal, Site → FORMAT.tombstone → bytes    what takes its place
    Feed, revisions, Site → FORMAT.document → bytes   feed formats only

What they share is in `parts/`, the templates of pages are in `templates/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pipeline.errors import ConfigError
from pipeline.model.rendition import Format
from pipeline.plugins import Plugins


@cache
def formats() -> Mapping[str, Format]:
    """Return every format by name, in the order of names."""
    return Plugins("pipeline.renditions", "FORMAT", "citewire.formats", unique=("extension",))


def format_named(name: str) -> Format:
    """Return the format with this name. Raises ConfigError `unknown-format`, which lists those there are."""
    try:
        return formats()[name]
    except KeyError:
        raise ConfigError(f"no format {name!r}; there are: {', '.join(formats())}", code="unknown-format") from None
