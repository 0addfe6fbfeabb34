"""Sources of references beside PubMed: every module here with a `SOURCE` is one, and so is every entry point.

`docs/add-a-source.md` shows how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pipeline.plugins import Plugins
from pipeline.references.source import Source


@cache
def sources() -> Mapping[str, Source]:
    """Return every source by name."""
    return Plugins("pipeline.references.sources", "SOURCE", "citewire.references")
