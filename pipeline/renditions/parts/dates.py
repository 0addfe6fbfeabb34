"""The dates of a revision, and how they are written for machines and for people."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.model.moment import rfc3339, utc
from pipeline.model.revision import Revision
from pipeline.renditions.parts.labels import foreign_attributes
from pipeline.renditions.parts.text import escape
from pipeline.wording import Words, message, words_of


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


def next_review_message(revision: Revision) -> str:
    """Return the message about the day of the next review, in English."""
    return message("Review overdue since {date}") if revision.overdue else message("Next review {date}")


def next_review_text(revision: Revision, words: Words) -> str | None:
    """Return "Next review 12 March 2026" or "Review overdue since …", or None if no day is given."""
    day = revision.article.next_review
    return words.say(next_review_message(revision), date=words.date(day)) if day else None


def date_text(date: dt.date, language: str) -> str:
    """Return a day as it is written beside our words in an article of this language, for formats of other packages."""
    return words_of(language).date(date)


def time_html(date: dt.date, words: Words) -> str:
    """Return a `time` element with both forms."""
    machine = rfc3339(date) if isinstance(date, dt.datetime) else date.isoformat()
    return f'<time datetime="{machine}"{foreign_attributes(words)}>{escape(words.date(date))}</time>'
