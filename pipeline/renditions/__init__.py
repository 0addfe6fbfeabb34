"""Formats: one module or package each, found by being there.

A module or package in this folder that exports `FORMAT` is a format; an installed package adds one through the
entry-point group `citewire.formats`, naming such an object. Nothing else has to change.

    Revision, Site → FORMAT.render → bytes         one article
    Withdrawal, Site → FORMAT.tombstone → bytes    what takes its place
    Feed, revisions, Site → FORMAT.document → bytes   feed formats only

What they share stands in `parts/`, the pages' templates in `templates/`.
"""

from __future__ import annotations

from functools import cache

from pipeline.errors import ConfigError
from pipeline.model.rendition import Format
from pipeline.plugins import discover


@cache
def formats() -> dict[str, Format]:
    """Every format by its name, in the order of the names. Raises ConfigError where two share a name or extension."""
    return discover("pipeline.renditions", "FORMAT", "citewire.formats", unique=("extension",))


def format_named(name: str) -> Format:
    """The format of that name. Raises ConfigError `unknown-format`, which says which there are."""
    try:
        return formats()[name]
    except KeyError:
        raise ConfigError(f"no format {name!r}; there are: {', '.join(formats())}", code="unknown-format") from None
