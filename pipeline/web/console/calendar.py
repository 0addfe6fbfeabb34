"""The calendar: what goes live, what ends its embargo and what falls due for review."""

import datetime as dt
from itertools import groupby
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pipeline.ledger import articles
from pipeline.ledger.articles.calendar import coming
from pipeline.stages.context import Context
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in

_DAYS = 31  # on a page
_MOST = 500  # entries of each kind on a page
_LAST = dt.date(9000, 1, 1)  # beyond which days cannot be counted on


def router(context: Context, pages: Pages) -> APIRouter:
    routes = pages.router()

    @routes.get("/calendar")
    def calendar(who: Annotated[SignedIn, Depends(signed_in(context))], day: dt.date | None = None) -> Response:
        now = context.clock()
        today = now.date()
        first = min(max(day or today, today), _LAST)
        last = first + dt.timedelta(days=_DAYS - 1)
        with context.ledger.read() as transaction:
            found = coming(transaction, now, first=first, last=last, limit=_MOST)
            late = articles.longest_overdue(transaction, today)
        return pages.page(
            "calendar",
            who,
            now=now,
            days=[(each, list(some)) for each, some in groupby(found, key=attrgetter("day"))],
            first=first,
            last=last,
            today=today,
            overdue=late[0] if late else 0,
            earlier=max(first - dt.timedelta(days=_DAYS), today) if first > today else None,
            later=last + dt.timedelta(days=1),
            cut=len(found) >= _MOST,
            most=_MOST,
            place="calendar",
        )

    return routes
