"""What all shapes have in common."""

from __future__ import annotations

import datetime as dt
from typing import Any

Shape = dict[str, Any]


def moment(at: dt.datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
