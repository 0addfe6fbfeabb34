"""Convert a page's dates to ISO 8601 if the page's language or their form determines how to read them."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime

from lxml import etree

from pipeline.intake.fields.text import line

_NUMBERS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(.*)", re.DOTALL)
_RFC_2822 = re.compile(r"[A-Za-z]{3}, \d{1,2} [A-Za-z]{3} \d{4} .{1,30}")
_MONTH_FIRST = frozenset({"en-us", "en-ph", "fil", "en-bz"})
_EITHER = frozenset({"", "en", "en-ca"})  # languages in which dates are written both ways
_PUBLISHED = re.compile(
    r"\b(?:(?:entry-|post-|article-)?published|(?:entry|post|article|publish|pub)-?date|posted-on)\b"
)
_MODIFIED = re.compile(r"\b(?:updated|modified)\b")


def iso(text: str, language: str) -> str:
    """Return the date as ISO 8601 if it can be read in only one way; otherwise unchanged, for the field to refuse."""
    text = line(text)
    if numbers := _NUMBERS.fullmatch(text):
        return _of_numbers(numbers, language) or text
    if compact := _COMPACT.fullmatch(text):
        return "-".join(compact.groups())
    if (first := _YEAR_FIRST.fullmatch(text)) and len(text) < 40:
        return f"{first[1]}-{first[2]:0>2}-{first[3]:0>2}{first[4]}"
    if _RFC_2822.fullmatch(text):
        try:
            return parsedate_to_datetime(text).isoformat()
        except ValueError:
            return text
    return text


def _of_numbers(numbers: re.Match[str], language: str) -> str | None:
    one, other, year = int(numbers[1]), int(numbers[3]), int(numbers[4])
    named = language.lower().replace("_", "-")
    if one > 12 or one == other:
        day, month = one, other
    elif other > 12 or named in _MONTH_FIRST:
        day, month = other, one
    elif numbers[2] == "." or named not in _EITHER:
        day, month = one, other
    else:
        return None
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None


def marked_dates(tree: etree._Element) -> dict[str, str]:
    """Return `published` and `modified` from `time` elements, by class, `pubdate`, or as the only date of the page."""
    found: dict[str, str] = {}
    times = [time for time in tree.iter("time") if time.get("datetime")]
    for time in times:
        names = f"{time.get('class') or ''} {time.get('itemprop') or ''}".lower()
        value = line(time.get("datetime") or "")
        if _MODIFIED.search(names):
            found.setdefault("modified", value)
        elif _PUBLISHED.search(names) or time.get("pubdate") is not None:
            found.setdefault("published", value)
    days = {line(time.get("datetime") or "")[:10] for time in times}
    if "published" not in found and "modified" not in found and len(days) == 1:
        found["published"] = line(times[0].get("datetime") or "")
    return found
