"""Sources of references beside PubMed: every module here with a `SOURCE` is one, and so is every entry point.

`docs/add-a-source.md` shows how to add one.
"""

from __future__ import annotations

from functools import cache

from pipeline.plugins import discover
from pipeline.references.source import Source


@cache
def sources() -> dict[str, Source]:
    """Return every source by name. Raises ConfigError if two share a name."""
    return discover("pipeline.references.sources", "SOURCE", "citewire.references")
