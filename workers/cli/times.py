"""Times for people: how far away they are or, under `--utc`, what they are. Pure."""

from __future__ import annotations

import datetime as dt

from pipeline.model.moment import rfc3339
from pipeline.model.words import relative


def shown(moment: dt.datetime | None, now: dt.datetime, *, utc: bool = False) -> str:
    """Return a time as a table shows it; nothing for None."""
    if moment is None:
        return ""
    return rfc3339(moment) if utc else relative(moment, now)
