"""Publication dates in each style, never more precise than they were given."""

from __future__ import annotations

import re

from pipeline.model.reference import PartialDate

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def year(date: PartialDate | None) -> str:
    """Return the year, or the first and last year of a span: "1998-1999"."""
    if date is None:
        return ""
    if date.text:
        years = list(dict.fromkeys(re.findall(r"\b\d{4}\b", date.text)))
        return "-".join((years[0], years[-1])) if len(years) > 1 else "".join(years) or date.text
    return str(date.year) if date.year else ""


def vancouver_date(date: PartialDate | None) -> str:
    """Return a date such as "2002 Jul 25", "2007 Nov-Dec" or "1998 Dec-1999 Jan"."""
    if date is None:
        return ""
    if date.text:
        return date.text
    month = MONTHS[date.month - 1][:3] if date.month else None
    day = str(date.day) if date.day and month else None
    return " ".join(part for part in (year(date), month or date.season, day) if part)


def ama_date(date: PartialDate | None) -> str:
    """Return a date such as "July 25, 2002", "Spring 2008" or "2002"."""
    if date is None:
        return ""
    if date.text or not (date.month or date.season):
        return date.text or year(date)
    if date.month and date.day:
        return f"{MONTHS[date.month - 1]} {date.day}, {year(date)}"
    return f"{MONTHS[date.month - 1] if date.month else date.season} {year(date)}"
