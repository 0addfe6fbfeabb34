"""Timestamps in the form that we write: UTC, in whole seconds except where a fraction decides."""

from __future__ import annotations

import datetime as dt


def utc(moment: dt.datetime) -> dt.datetime:
    """Return the moment in UTC, in whole seconds: none of our formats needs fractions, and some refuse them."""
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def rfc3339(moment: dt.datetime) -> str:
    """Return the moment in the form `2025-03-12T09:00:00Z` (RFC 3339, section 5.6)."""
    return exact_rfc3339(utc(moment))


def exact_rfc3339(moment: dt.datetime) -> str:
    """Return the moment with its fraction, for what must distinguish moments within one second."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
