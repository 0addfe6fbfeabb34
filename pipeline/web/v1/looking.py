"""/v1/now and /v1/calendar: what goes on, and what is to come."""

import datetime as dt
from typing import Annotated

from fastapi import Depends, Query

from pipeline.stages.context import Context
from pipeline.views.calendar import Calendar, calendar
from pipeline.views.now import Now, now_view
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.rooms import Room

_Day = Annotated[dt.date | None, Query(description="The first day, in UTC. Without it, and if it is past: today.")]


def router(context: Context) -> Room:
    api = Room("/v1", tags=["operations"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("/now", responses=problems(401, 403))
    def get_now(_: Annotated[Grant, Depends(caller)]) -> Now:
        """Return what was delivered by the hour, what waits where and since when, and whether sources answer."""
        with context.ledger.read() as transaction:
            return now_view(context, transaction, context.clock())

    @api.get("/calendar", responses=problems(401, 403, 422))
    def get_calendar(_: Annotated[Grant, Depends(caller)], day: _Day = None) -> Calendar:
        """Return what goes live, ends its embargo or falls due for review within a month."""
        with context.ledger.read() as transaction:
            return calendar(transaction, context.clock(), day=day)

    return api
