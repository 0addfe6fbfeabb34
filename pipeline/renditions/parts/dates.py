"""The dates of a revision, and how they are written: for machines, and for people in the article's language."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.model.moment import rfc3339, utc
from pipeline.model.revision import Revision
from pipeline.renditions.parts.text import escape

# Not strftime's: that follows the locale of the process.
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class Dates:
    """The dates of an article that every rendition has."""

    published: dt.datetime  # as the author gave it, or when we first published it
    modified: dt.datetime  # as the author gave it, or when this revision came to be: for people
    updated: dt.datetime  # when this revision came to be: for machines, which must see every change
    reviewed: dt.date | None


def dates_of(revision: Revision) -> Dates:
    article, updated = revision.article, utc(revision.updated)
    return Dates(
        published=min(utc(article.published or revision.published), updated),
        modified=utc(article.modified or updated),
        updated=updated,
        reviewed=article.reviewed,
    )


def next_review_label(revision: Revision) -> str:
    """Return what precedes the day of the next review."""
    return "Review overdue since" if revision.overdue else "Next review"


def next_review_text(revision: Revision) -> str | None:
    """Return "Next review 12 March 2026" or "Review overdue since …", or None if no day is given."""
    article = revision.article
    day = article.next_review
    return f"{next_review_label(revision)} {date_text(day, article.language)}" if day else None


def date_text(date: dt.date, language: str) -> str:
    """Return `12 March 2025` in English, `2025-03-12` in a language whose months are unknown. Times are in UTC."""
    day = utc(date).date() if isinstance(date, dt.datetime) else date
    if language.split("-", maxsplit=1)[0].lower() != "en":
        return day.isoformat()
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def time_html(date: dt.date, language: str) -> str:
    """Return a `time` element with both forms."""
    machine = rfc3339(date) if isinstance(date, dt.datetime) else date.isoformat()
    return f'<time datetime="{machine}">{escape(date_text(date, language))}</time>'
