"""What is to come: what goes live, what ends its embargo and what falls due for review."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles.calendar import Kind, coming
from pipeline.views.fields import ArticleId, Count, Field, Time

DAYS = 31  # in an answer
MOST = 500  # entries of each kind in an answer
_LAST = dt.date(9000, 1, 1)  # beyond which days cannot be counted on


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is to come."""

    kind: Annotated[
        Kind,
        Field(
            description="goes-live: a scheduled article comes out; update: the embargo of a live article's update "
            "ends; review: a live article falls due for review"
        ),
    ]
    article: ArticleId
    title: str
    day: Annotated[dt.date, Field(description="In UTC.")]
    at: Annotated[Time | None, Field(description="Null: at no moment of that day in particular.")]


@dataclass(frozen=True, slots=True)
class Calendar:
    """What comes from the first day to the last, in UTC."""

    first: dt.date
    last: dt.date
    entries: tuple[Entry, ...]
    overdue: Annotated[Count, Field(description="Live articles whose review was due before today.")]
    complete: Annotated[bool, Field(description=f"False: of a kind there are more than the {MOST} that are listed.")]


def calendar(transaction: Transaction, now: dt.datetime, *, day: dt.date | None = None) -> Calendar:
    """Return what comes within a month of the day, or of today if that is later."""
    today = now.date()
    first = min(max(day or today, today), _LAST)
    last = first + dt.timedelta(days=DAYS - 1)
    found = coming(transaction, now, first=first, last=last, limit=MOST)
    late = articles.longest_overdue(transaction, today)
    return Calendar(
        first=first,
        last=last,
        entries=tuple(Entry(one.kind, one.article, one.title, one.day, one.at) for one in found),
        overdue=late[0] if late else 0,
        complete=max(Counter(one.kind for one in found).values(), default=0) < MOST,
    )
