"""Lists of retractions that their sources publish whole: every module here with a `LIST` is one, and so is every entry
point of `citewire.lists`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pipeline.plugins import Plugins
from pipeline.references.published_list import PublishedList


@cache
def lists() -> Mapping[str, PublishedList]:
    """Return every list by name."""
    return Plugins("pipeline.references.lists", "LIST", "citewire.lists")
