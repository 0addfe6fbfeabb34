"""Read PubMed's dates: Year, Month (a name, a number or nothing), Day, or Season, or one free-form MedlineDate."""

from __future__ import annotations

import re

from lxml import etree

from pipeline.model.reference import PartialDate
from pipeline.references.pubmed.text import flat

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_YEAR = re.compile(r"\b(\d{4})\b")


def partial_date(element: etree._Element | None) -> PartialDate | None:
    """Return a date as precise as given. For a MedlineDate, `text` is the whole and `year` its first year."""
    if element is None:
        return None
    parts = {child.tag: flat(child.text) for child in element}
    free = parts.get("MedlineDate") or None
    year = _number(parts.get("Year"), 1, 9999)
    if free and year is None and (found := _YEAR.search(free)):
        year = int(found[1])
    month, season = _month(parts.get("Month")), parts.get("Season") or None
    if month is None and season is None:
        season = parts.get("Month") or None  # "Jul-Aug" has been seen here
    day = _number(parts.get("Day"), 1, 31)
    return PartialDate(year, month, day, season, free) if year or month or day or season or free else None


def _number(text: str | None, least: int, most: int) -> int | None:
    if not text or len(text) > 9 or not text.isdigit() or not text.isascii():
        return None
    number = int(text)
    return number if least <= number <= most else None


def _month(text: str | None) -> int | None:
    if not text:
        return None
    return _number(text, 1, 12) or (_MONTHS.get(text[:3].lower()) if text.isalpha() else None)
