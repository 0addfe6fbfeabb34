"""The calendar: what goes live, what ends its embargo and what falls due for review."""

import datetime as dt
from itertools import groupby
from operator import attrgetter
from typing import Annotated

from fastapi import Depends, Response

from pipeline.stages.context import Context
from pipeline.views.calendar import DAYS, MOST, calendar
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()

    @routes.get("/calendar")
    def calendar_page(who: Annotated[SignedIn, Depends(signed_in(context))], day: dt.date | None = None) -> Response:
        now = context.clock()
        today = now.date()
        with context.ledger.read() as transaction:
            found = calendar(transaction, now, day=day)
        first = found.first
        return pages.page(
            "calendar",
            who,
            now=now,
            days=[(each, list(some)) for each, some in groupby(found.entries, key=attrgetter("day"))],
            first=first,
            last=found.last,
            today=today,
            overdue=found.overdue,
            earlier=max(first - dt.timedelta(days=DAYS), today) if first > today else None,
            later=found.last + dt.timedelta(days=1),
            cut=not found.complete,
            most=MOST,
            place="calendar",
        )

    return routes
